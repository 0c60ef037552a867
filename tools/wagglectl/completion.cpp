#include "tools/wagglectl/completion.hpp"

#include <algorithm>

namespace waggle::ctl {
namespace {

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}
std::vector<std::string> names_of(const std::vector<command_spec>& commands) {
  std::vector<std::string> out;
  for (const auto& c : commands) out.push_back(c.name);
  return out;
}
/// Inside single quotes of any of the three shells, and free of what their description syntax reserves.
std::string plain(const std::string& help) {
  std::string out;
  for (const char c : help) out += c == '\'' || c == '\\' || c == '[' || c == ']' || c == ':' || c == '\n' ? ' ' : c;
  return out;
}
/// Options of a command plus those of the root.
std::vector<option_spec> all_options(const command_spec& root, const command_spec& command) {
  auto out = command.options;
  if (&root != &command) out.insert(out.end(), root.options.begin(), root.options.end());
  return out;
}
struct place {
  const command_spec* command;
  std::string path;  ///< "", "collections", "collections list"
};
void collect(const command_spec& command, const std::string& path, std::vector<place>& out) {
  out.push_back({&command, path});
  for (const auto& child : command.commands) collect(child, path.empty() ? child.name : path + " " + child.name, out);
}
std::vector<place> places_of(const command_spec& root) {
  std::vector<place> out;
  collect(root, "", out);
  return out;
}

std::string bash_script(const command_spec& root) {
  std::string value_cases;
  std::vector<option_spec> with_values;
  const auto places = places_of(root);
  for (const auto& p : places)
    for (const auto& o : p.command->options)
      if (o.takes_value &&
          std::none_of(with_values.begin(), with_values.end(), [&](auto& w) { return w.name == o.name; }))
        with_values.push_back(o);
  std::string takes_value;
  for (const auto& o : with_values) {
    takes_value += (takes_value.empty() ? "" : "|") + o.name;
    if (o.takes_file)
      value_cases += "    " + o.name + ") COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n";
    else
      value_cases +=
          "    " + o.name + ") COMPREPLY=($(compgen -W '" + join(o.values) + "' -- \"$current\")); return ;;\n";
  }
  std::string place_cases, step_cases;
  for (const auto& p : places) {
    std::vector<std::string> words = names_of(p.command->commands);
    words.insert(words.end(), p.command->argument_values.begin(), p.command->argument_values.end());
    for (const auto& o : all_options(root, *p.command)) words.push_back(o.name);
    place_cases +=
        "    '" + p.path + "') words='" + join(words) + "'; files=" + (p.command->takes_file ? "1" : "0") + " ;;\n";
    for (const auto& child : p.command->commands)
      step_cases += "      '" + p.path + "/" + child.name + "') path='" + (p.path.empty() ? "" : p.path + " ") +
                    child.name + "' ;;\n";
  }
  return "# bash completion for " + root.name + "\n_" + root.name +
         "() {\n  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
         "  local path='' words='' files=0 i\n  COMPREPLY=()\n  case $previous in\n" +
         value_cases + "  esac\n  for ((i = 1; i < COMP_CWORD; i++)); do\n    case ${COMP_WORDS[i]} in\n      " +
         (takes_value.empty() ? "''" : takes_value) +
         ") ((i++)); continue ;;\n    esac\n    case \"$path/${COMP_WORDS[i]}\" in\n" + step_cases +
         "    esac\n  done\n  case $path in\n" + place_cases +
         "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "  if [[ $files == 1 && $current != -* ]]; then COMPREPLY+=($(compgen -f -- \"$current\")); fi\n}\n"
         "complete -o filenames -F _" +
         root.name + " " + root.name + "\n";
}

std::string zsh_option(const option_spec& o) {
  std::string out = "'" + o.name + "[" + plain(o.help) + "]";
  if (!o.takes_value) return out + "'";
  if (o.takes_file) return out + ":file:_files'";
  return out + ":value:" + (o.values.empty() ? "'" : "(" + join(o.values) + ")'");
}
std::string zsh_function(const std::string& root, const std::string& path) {
  std::string out = "_" + root;
  for (const char c : path.empty() ? std::string() : " " + path) out += c == ' ' ? '_' : c;
  return out;
}
std::string zsh_script(const command_spec& root) {
  std::string out = "#compdef " + root.name + "\n";
  for (const auto& p : places_of(root)) {
    out += zsh_function(root.name, p.path) + "() {\n";
    if (!p.command->commands.empty()) out += "  local context state line\n  local -a commands\n";
    out += "  _arguments -C";
    for (const auto& o : all_options(root, *p.command)) out += " \\\n    " + zsh_option(o);
    if (!p.command->commands.empty())
      out += " \\\n    '1: :->command' \\\n    '*:: :->rest'\n";
    else if (!p.command->argument_values.empty())
      out += " \\\n    '1:argument:(" + join(p.command->argument_values) + ")'\n";
    else
      out += p.command->takes_file ? " \\\n    '1:file:_files'\n" : "\n";
    if (!p.command->commands.empty()) {
      out += "  case $state in\n    command)\n      commands=(";
      for (const auto& child : p.command->commands) out += " '" + child.name + ":" + plain(child.help) + "'";
      out += " )\n      _describe command commands ;;\n    rest)\n      case $line[1] in\n";
      for (const auto& child : p.command->commands)
        out += "        " + child.name + ") " +
               zsh_function(root.name, p.path.empty() ? child.name : p.path + " " + child.name) + " ;;\n";
      out += "      esac ;;\n  esac\n";
    }
    out += "}\n";
  }
  return out + "compdef _" + root.name + " " + root.name + "\n";
}

std::string fish_option(const std::string& command, const std::string& condition, const option_spec& o) {
  std::string out = "complete -c " + command;
  if (!condition.empty()) out += " -n '" + condition + "'";
  out += " -l " + o.name.substr(2) + " -d '" + plain(o.help) + "'";
  if (!o.takes_value) return out + "\n";
  if (o.takes_file) return out + " -r -F\n";
  return out + (o.values.empty() ? " -x\n" : " -x -a '" + join(o.values) + "'\n");
}
std::string fish_script(const command_spec& root) {
  std::string out = "# fish completion for " + root.name + "\ncomplete -c " + root.name + " -f\n";
  for (const auto& p : places_of(root)) {
    std::string condition;
    if (p.path.empty()) {
      condition = "__fish_use_subcommand";
    } else {
      std::string word;
      for (const char c : p.path + " ") {
        if (c != ' ') {
          word += c;
          continue;
        }
        condition += (condition.empty() ? "" : "; and ") + std::string("__fish_seen_subcommand_from ") + word;
        word.clear();
      }
    }
    const auto names = names_of(p.command->commands);
    const bool nested = !p.path.empty() && !names.empty();
    for (const auto& child : p.command->commands)
      out += "complete -c " + root.name + " -n '" + condition +
             (nested ? "; and not __fish_seen_subcommand_from " + join(names) : "") + "' -a " + child.name + " -d '" +
             plain(child.help) + "'\n";
    for (const auto& o : p.command->options) out += fish_option(root.name, p.path.empty() ? "" : condition, o);
    if (!p.command->argument_values.empty())
      out += "complete -c " + root.name + " -n '" + condition + "' -a '" + join(p.command->argument_values) + "'\n";
    if (p.command->takes_file) out += "complete -c " + root.name + " -n '" + condition + "' -F\n";
  }
  return out;
}

}  // namespace

outcome<std::string> completion_script(const command_spec& root, const std::string& shell) {
  if (shell == "bash") return bash_script(root);
  if (shell == "zsh") return zsh_script(root);
  if (shell == "fish") return fish_script(root);
  return command_failure(exit_code::usage, "There is no completion for '" + shell + "'", "bash, zsh or fish");
}

}  // namespace waggle::ctl
