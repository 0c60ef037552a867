#pragma once
// One connection from accept to close. Started by the server, owned by its own coroutine, lives on its shard's thread.
#include <memory>

#include "net/http/shard.hpp"
#include "net/http/tls.hpp"

namespace waggle {

/// Serve requests on `socket`, which belongs to the shard's context. The gate has counted the connection; the session
/// counts it out. Any thread.
void start_session(std::shared_ptr<shard> home, tcp_socket socket);
void start_tls_session(std::shared_ptr<shard> home, tcp_socket socket, std::shared_ptr<boost::asio::ssl::context> tls);

}  // namespace waggle
