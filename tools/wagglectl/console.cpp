#include "tools/wagglectl/console.hpp"

#include <algorithm>
#include <iostream>

namespace waggle::ctl {
namespace {
bool continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !continuation(c); }));
}
void print_row(std::ostream& out, const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    out << cells[i];
    if (i + 1 < cells.size()) out << std::string(widths[i] - width(cells[i]) + 2, ' ');
  }
  out << '\n';
}
}  // namespace

void print_table(std::ostream& out, const std::vector<std::string>& header,
                 const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(header.size());
  for (std::size_t i = 0; i < header.size(); ++i) {
    widths[i] = width(header[i]);
    for (const auto& row : rows) widths[i] = std::max(widths[i], width(row[i]));
  }
  print_row(out, header, widths);
  for (const auto& row : rows) print_row(out, row, widths);
}

void print_pairs(std::ostream& out, const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::size_t widest = 0;
  for (const auto& [name, value] : pairs) widest = std::max(widest, width(name));
  for (const auto& [name, value] : pairs) out << name << std::string(widest - width(name) + 2, ' ') << value << '\n';
}

void print_failure(std::ostream& err, const command_failure& failure) {
  err << "error: " << printable(failure.message) << '\n';
  if (!failure.remedy.empty()) err << "remedy: " << printable(failure.remedy) << '\n';
}

std::string printable(std::string_view text, std::size_t columns) {
  std::string out;
  std::size_t used = 0;
  for (const char c : text) {
    if (!continuation(c)) {
      if (columns != 0 && used == columns) return out + "…";
      ++used;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  return out;
}

outcome<void> confirm(console& io, const std::string& question, bool yes) {
  if (yes) return {};
  if (!io.in_is_terminal)
    return command_failure(exit_code::usage, question + " needs a confirmation, and standard input is no terminal",
                           "add --yes");
  io.err << question << "? [y/N] " << std::flush;
  std::string answer;
  std::getline(io.in, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") return {};
  return command_failure(exit_code::failed, "Not confirmed; nothing was changed");
}

}  // namespace waggle::ctl
