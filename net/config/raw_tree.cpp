#include "net/config/raw_tree.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <sstream>

namespace waggle {
namespace {
constexpr std::size_t depth_max = 32;

/// Builds the tree from events. yaml-cpp's own nodes would merge duplicate keys and lose the lines of keys.
class tree_builder final : public YAML::EventHandler {
 public:
  tree_builder(std::string_view file, std::vector<config_problem>& problems) : file_(file), problems_(problems) {}
  raw_value take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    raw_value v;
    v.line = mark.line + 1;
    refuse_anchor(mark, anchor);
    place(std::move(v));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    complain(mark, "aliases (*name) are not supported");
    raw_value v;
    v.line = mark.line + 1;
    place(std::move(v));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    refuse_anchor(mark, anchor);
    if (tag != "?" && tag != "!" && !tag.empty()) complain(mark, "tags (" + tag + ") are not supported");
    raw_value v;
    v.kind = raw_value::shape::scalar;
    v.text = text;
    v.quoted = tag == "!";
    v.line = mark.line + 1;
    place(std::move(v));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    refuse_anchor(mark, anchor);
    open(mark, raw_value::shape::sequence);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    refuse_anchor(mark, anchor);
    open(mark, raw_value::shape::map);
  }
  void OnMapEnd() override { close(); }

 private:
  struct level {
    raw_value value;
    raw_value key;
    bool has_key = false;
  };

  void complain(const YAML::Mark& mark, std::string message) {
    problems_.push_back({std::string(file_), mark.line + 1, "", std::move(message)});
  }
  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) complain(mark, "anchors (&name) are not supported");
  }
  void open(const YAML::Mark& mark, raw_value::shape kind) {
    if (stack_.size() == depth_max) throw YAML::ParserException(mark, "nested too deeply");
    level next;
    next.value.kind = kind;
    next.value.line = mark.line + 1;
    stack_.push_back(std::move(next));
  }
  void close() {
    raw_value done = std::move(stack_.back().value);
    stack_.pop_back();
    place(std::move(done));
  }
  void place(raw_value v) {
    if (stack_.empty()) {
      root_ = std::move(v);
      return;
    }
    auto& top = stack_.back();
    if (top.value.kind == raw_value::shape::sequence) {
      top.value.items.push_back(std::move(v));
    } else if (!top.has_key) {
      if (v.kind != raw_value::shape::scalar)
        problems_.push_back({std::string(file_), v.line, "", "a key must be a plain word"});
      top.key = std::move(v);
      top.has_key = true;
    } else {
      top.value.members.emplace_back(std::move(top.key), std::move(v));
      top.has_key = false;
    }
  }

  std::string_view file_;
  std::vector<config_problem>& problems_;
  raw_value root_;
  std::vector<level> stack_;
};
}  // namespace

raw_value parse_yaml(const std::string& text, std::string_view file, std::vector<config_problem>& problems) {
  tree_builder builder(file, problems);
  try {
    std::istringstream in(text);
    YAML::Parser parser(in);
    if (!parser.HandleNextDocument(builder)) return {};
    auto root = builder.take();
    tree_builder second(file, problems);
    if (parser.HandleNextDocument(second))
      problems.push_back({std::string(file), second.take().line, "", "a configuration is one document"});
    return root;
  } catch (const YAML::Exception& e) {
    problems.push_back({std::string(file), e.mark.line + 1, "", "not valid YAML: " + e.msg});
  } catch (const std::exception& e) {
    problems.push_back({std::string(file), 0, "", std::string("not valid YAML: ") + e.what()});
  }
  return {};
}

}  // namespace waggle
