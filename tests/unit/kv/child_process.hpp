#pragma once
// For tests of death and of full disks: a directory of one's own, and a fresh process that runs one case of kv_child.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace waggle::test {

class temp_dir {
 public:
  temp_dir() {
    auto pattern = (std::filesystem::temp_directory_path() / "waggle-test-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~temp_dir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  temp_dir(const temp_dir&) = delete;
  temp_dir& operator=(const temp_dir&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline constexpr const char* child_directory = "WAGGLE_TEST_CHILD_DIR";
inline constexpr int child_pipe_fd = 9;  ///< where the child writes

struct child {
  pid_t pid = -1;
  int read_fd = -1;

  /// Starts the case `name` of kv_child, which lies beside this program, with `directory` in its environment.
  static child start(const std::string& name, const std::filesystem::path& directory) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
    const auto program = (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "kv_child").string();
    const auto filter = "--test-case=" + name;
    const pid_t pid = fork();
    if (pid == 0) {
      dup2(ends[1], child_pipe_fd);
      setenv(child_directory, directory.c_str(), 1);
      execl(program.c_str(), program.c_str(), filter.c_str(), "--minimal", static_cast<char*>(nullptr));
      _exit(127);
    }
    close(ends[1]);
    return {pid, ends[0]};
  }
  /// Exit code, or -signal.
  int wait() {
    int status = 0;
    waitpid(pid, &status, 0);
    if (read_fd >= 0) close(read_fd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
};

}  // namespace waggle::test
