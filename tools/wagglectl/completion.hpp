#pragma once
// Shell completion scripts, generated from the same tree of commands that parses the command line. Pure; any thread.
#include <string>
#include <vector>

#include "tools/wagglectl/outcome.hpp"

namespace waggle::ctl {

struct option_spec {
  std::string name;  ///< with dashes: "--endpoint"
  std::string help;
  bool takes_value = false;
  bool takes_file = false;
  std::vector<std::string> values;  ///< what may follow; empty = anything
};

struct command_spec {
  std::string name;
  std::string help;
  std::vector<option_spec> options;          ///< own ones; those of the root hold everywhere
  std::vector<std::string> argument_values;  ///< fixed words for its positional argument
  bool takes_file = false;                   ///< its positional argument is a file
  std::vector<command_spec> commands;
};

/// `shell`: bash, zsh or fish; anything else is a usage failure.
outcome<std::string> completion_script(const command_spec& root, const std::string& shell);

}  // namespace waggle::ctl
