#include "tools/wagglectl/import/interruption.hpp"

#include <cerrno>

namespace waggle::ctl {
namespace {
// A handler reaches only what is static, and may call little more than sem_post.
volatile std::sig_atomic_t seen = 0;
sem_t wake;

void on_signal(int number) {
  const int error = errno;
  seen = number;
  ::sem_post(&wake);
  errno = error;
}
}  // namespace

interruption::interruption(std::function<void()> stop) {
  seen = 0;
  ::sem_init(&wake, 0, 0);
  watcher_ = std::thread([stop = std::move(stop)] {
    while (::sem_wait(&wake) != 0) continue;
    if (seen != 0) stop();
  });
  // Who started us may have chosen that a signal is ignored (nohup, a background job): that stays.
  const auto take = [](int number, const struct sigaction& action, struct sigaction& before) {
    ::sigaction(number, nullptr, &before);
    if (before.sa_handler != SIG_IGN) ::sigaction(number, &action, nullptr);
  };
  // Without SA_RESTART the reader's read() returns; with SA_RESETHAND the next signal does what it always did.
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  take(SIGINT, action, before_int_);
  take(SIGTERM, action, before_term_);
}

interruption::~interruption() {
  ::sigaction(SIGINT, &before_int_, nullptr);
  ::sigaction(SIGTERM, &before_term_, nullptr);
  ::sem_post(&wake);
  watcher_.join();
  ::sem_destroy(&wake);
}

int interruption::signal() const { return seen; }

}  // namespace waggle::ctl
