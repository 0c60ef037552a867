#pragma once
// The door to C-raft: raft.h says nothing of C++. Included by raft_driver.hpp and message_codec.hpp only,
// which are private to this folder.
extern "C" {
#include <raft.h>
}

// raft.h names functions and structs alike; these are the structs.
using raft_apply_request = struct raft_apply;
using raft_barrier_request = struct raft_barrier;
