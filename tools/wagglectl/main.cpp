#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "tools/wagglectl/cli.hpp"

int main(int argc, char** argv) {
  waggle::ctl::console io{std::cin, std::cout, std::cerr, ::isatty(STDIN_FILENO) != 0, ::isatty(STDERR_FILENO) != 0};
  const auto env = [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
  return waggle::ctl::run_cli(std::vector<std::string>(argv + 1, argv + argc), io, env);
}
