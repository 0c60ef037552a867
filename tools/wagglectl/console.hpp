#pragma once
// What a command talks to: three streams, the output form, and tables. Owned by main (or a test); one thread at a time.
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "tools/wagglectl/outcome.hpp"

namespace waggle::ctl {

struct console {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool in_is_terminal = false;
  bool err_is_terminal = false;
};

/// Columns are as wide as their widest cell; the last one is not padded.
void print_table(std::ostream& out, const std::vector<std::string>& header,
                 const std::vector<std::vector<std::string>>& rows);
/// Two columns without a header: what, value.
void print_pairs(std::ostream& out, const std::vector<std::pair<std::string, std::string>>& pairs);
/// "error: …" and, if there is one, "remedy: …".
void print_failure(std::ostream& err, const command_failure& failure);

/// Makes text from a node safe for a terminal: control characters become '?'; at most `columns` characters (UTF-8
/// aware), a cut is shown as "…". 0 = no limit.
std::string printable(std::string_view text, std::size_t columns = 0);

/// Asks "question [y/N]". Without a terminal nothing is asked: usage failure that names --yes.
outcome<void> confirm(console& io, const std::string& question, bool yes);

}  // namespace waggle::ctl
