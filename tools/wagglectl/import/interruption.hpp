#pragma once
// Ctrl-C (SIGINT) and SIGTERM while an import runs: it stops in order instead of ending at once.
// One at a time per process; made by the thread that reads the source, before the import's other threads start.
#include <semaphore.h>

#include <csignal>
#include <functional>
#include <thread>

namespace waggle::ctl {

class interruption {
 public:
  /// `stop` is called once, on a thread of its own, when the first of the two signals arrives. A read that the making
  /// thread waits in is given up. The second signal of the same kind ends the process.
  explicit interruption(std::function<void()> stop);
  ~interruption();
  interruption(const interruption&) = delete;
  interruption& operator=(const interruption&) = delete;

  /// The signal that arrived, 0 if none.
  int signal() const;

 private:
  struct sigaction before_int_ {};
  struct sigaction before_term_ {};
  std::thread watcher_;
};

}  // namespace waggle::ctl
