// waggled: one node. Reads the configuration, runs until SIGTERM or SIGINT, drains, exits 0.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "base/log.hpp"
#include "net/config/config.hpp"
#include "tools/waggled/node.hpp"
#include "tools/waggled/providers.hpp"
#include "tools/waggled/reload.hpp"
#include "tools/wagglectl/completion.hpp"
#include "version.hpp"


namespace {
using namespace waggle;

struct arguments {
  std::string config_file;
  std::string data_dir, host, port;
  std::string root_user, root_password_file;
  std::vector<std::string> set;
  std::string completion;
  bool check = false;
};

int report(const config_problems& problems) {
  for (const auto& p : problems.list) std::cerr << to_string(p) << '\n';
  return config_exit_code;
}

config_sources sources_of(const arguments& a, std::vector<std::string>& bad) {
  config_sources s;
  if (!a.config_file.empty()) {
    s.file = a.config_file;
    s.file_required = true;
  }
  s.environment = system_environment();
  const auto put = [&](const char* key, const std::string& value) {
    if (!value.empty()) s.command_line.emplace_back(key, value);
  };
  put("data_dir", a.data_dir);
  put("server.host", a.host);
  put("server.port", a.port);
  put("auth.root_user", a.root_user);
  put("auth.root_password_file", a.root_password_file);
  for (const auto& pair : a.set) {
    const auto equals = pair.find('=');
    if (equals == pair.npos)
      bad.push_back(pair);
    else
      s.command_line.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return s;
}

int run(config loaded, const config_sources& sources) {
  // Every thread, the log's too, inherits the mask; this one waits for the signals.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, s);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  const auto settings = loaded.settings();
  log_options log;
  parse_log_level(settings.logging.level, log.level);
  log.format = settings.logging.format == "json" ? log_format::json : log_format::text;
  log_start(log);
  for (const auto& w : loaded.warnings()) log_event(log_level::warn, "config", to_string(w));

  auto providers = read_providers(loaded);
  if (!providers) {
    std::cerr << "waggled: " << providers.error().message << '\n';
    return config_exit_code;
  }
  int code = 0;
  {
    node n(settings, std::move(*providers));
    if (auto started = n.start(); !started) {
      const auto& f = started.error();
      const auto& why = f.log_text.empty() ? f.message : f.log_text;
      log_event(log_level::error, "node", "can't start", {{"why", why}});
      std::cerr << "waggled: can't start: " + why + '\n';  // one write: the log's thread writes there too
      code = 1;
    } else {
      log_event(log_level::info, "node", "listening",
                {{"host", settings.server.host}, {"port", n.port()}, {"data_dir", settings.data_dir},
                 {"version", waggle_version}});
      for (int s = 0; sigwait(&signals, &s) == 0 && s == SIGHUP;)
        reload_config(n, loaded, sources);
      log_event(log_level::info, "node", "draining");
      // Who asks again does not want to wait: the second signal ends the process, which loses nothing that was answered.
      sigdelset(&signals, SIGHUP);
      pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
    }
    n.stop();
  }
  if (code == 0) log_event(log_level::info, "node", "stopped");
  log_stop();
  return code;
}

int print_completion(const CLI::App& app, const std::string& shell) {
  ctl::command_spec spec{.name = "waggled", .help = app.get_description()};
  for (const auto* option : app.get_options())
    for (const auto& name : option->get_lnames())
      spec.options.push_back({.name = "--" + name,
                              .help = option->get_description(),
                              .takes_value = option->get_type_size() != 0,
                              .takes_file = name == "config" || name == "data-dir" || name == "root-password-file"});
  const auto script = ctl::completion_script(spec, shell);
  if (!script) {
    std::cerr << "waggled: " << script.error().message << '\n';
    return static_cast<int>(script.error().code);
  }
  std::cout << *script;
  return 0;
}
}  // namespace

int main(int argc, char** argv) {
  arguments a;
  CLI::App app{"waggled: a node of the Waggle vector database"};
  app.set_version_flag("--version", std::string("waggled ") + waggle_version + " (" + waggle_commit + ")");
  app.add_option("--config", a.config_file, "YAML configuration (default ./config.yml if present)");
  app.add_option("--data-dir", a.data_dir, "where the data lives (default ./data)");
  app.add_option("--host", a.host, "address to listen on (default 127.0.0.1)");
  app.add_option("--port", a.port, "port to listen on (default 15002; 0 = any)");
  app.add_option("--root-user", a.root_user, "first start: name of the first administrator (default root)");
  app.add_option("--root-password-file", a.root_password_file, "first start: file with their password (default random)");
  app.add_option("--set", a.set, "any configuration key, as path=value")->take_all();
  app.add_flag("--check-config", a.check, "check the configuration, print it, exit");
  app.add_option("--completion", a.completion, "print a completion script: bash, zsh or fish");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  if (!a.completion.empty()) return print_completion(app, a.completion);
  std::vector<std::string> bad;
  const auto sources = sources_of(a, bad);
  if (!bad.empty()) {
    std::cerr << "waggled: --set takes path=value, not '" << bad.front() << "'\n";
    return 2;
  }
  auto loaded = config::load(sources);
  if (!loaded) return report(loaded.error());
  if (a.check) {
    if (const auto providers = read_providers(*loaded); !providers) {
      std::cerr << "waggled: " << providers.error().message << '\n';
      return config_exit_code;
    }
    std::cout << loaded->dump();
    return 0;
  }
  return run(std::move(*loaded), sources);
}
