// Starts a job and leaves; or comes back to one by its id, from any machine.
//
//   example-detached start ssh:gpu 'python long_train.py'
//   example-detached wait JOB ssh:gpu
#include <workflow/remote_job.h>

#include <iostream>
#include <string>

int main(int argc, char** argv) {
  const std::string what = argc == 4 ? argv[1] : "";
  try {
    if (what == "start") {
      workflow::RemoteJob job;
      job.target = argv[2];
      job.command = argv[3];
      std::cout << job.start().job_id() << "\n";
      return 0;
    }
    if (what == "wait") return workflow::JobHandle::attach(argv[2], argv[3]).wait();
  } catch (const workflow::JobError& fault) {
    std::cerr << "example-detached: " << fault.what() << "\n  " << fault.hint() << "\n";
    return fault.exit_code();
  }
  std::cerr << "usage: example-detached start TARGET COMMAND | wait JOB TARGET\n";
  return 2;
}
