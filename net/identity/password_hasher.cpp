#include "net/identity/password_hasher.hpp"

#include "actors/runtime/jobs.hpp"
#include "base/limits.hpp"
#include "net/identity/password.hpp"

namespace waggle {

/// One of the places of those who wait for a hash.
class password_hasher::place {
 public:
  explicit place(std::atomic<int>& waiting) : waiting_(waiting), number_(++waiting) {}
  ~place() { --waiting_; }
  place(const place&) = delete;
  place& operator=(const place&) = delete;
  bool too_many() const { return number_ > limits::password_hashes_waiting_max; }

 private:
  std::atomic<int>& waiting_;
  const int number_;
};

namespace {
failure too_many_logins() {
  failure f(ec::not_ready, "Too many passwords are being checked");
  f.retry_after_seconds = 1;
  return f;
}
}  // namespace

boost::asio::awaitable<result<std::string>> password_hasher::hash(std::string password) {
  const place mine(waiting_);
  if (mine.too_many()) co_return too_many_logins();
  ++hashes_total_;
  auto work = [&password] { return hash_password(password); };
  co_return co_await run_on(rt_, pool_kind::long_work, std::move(work));
}

boost::asio::awaitable<result<bool>> password_hasher::fits(std::string password, std::string encoded) {
  const place mine(waiting_);
  if (mine.too_many()) co_return too_many_logins();
  ++hashes_total_;
  auto work = [&]() -> result<bool> { return password_fits(password, encoded); };
  co_return co_await run_on(rt_, pool_kind::long_work, std::move(work));
}

}  // namespace waggle
