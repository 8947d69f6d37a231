// Trains on another machine and brings the results here: what `workflow job-run` does, from C++.
//
//   example-train ssh:gpu 'python train.py' results ./results
#include <workflow/remote_job.h>

#include <iostream>

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: example-train TARGET COMMAND REMOTE LOCAL\n";
    return 2;
  }
  workflow::RemoteJob job;
  job.target = argv[1];
  job.command = argv[2];
  try {
    workflow::JobContext running = job.run();
    std::cerr << "job " << running->job_id() << " on " << running->target()
              << "; watch it there: " << running->attach_command() << "\n";
    for (const std::string& line : running->logs()) std::cout << line << std::endl;
    const int code = running->wait();
    running->download(argv[3], argv[4]);
    return code;
  } catch (const workflow::JobError& fault) {
    std::cerr << "example-train: " << fault.what() << "\n  " << fault.hint() << "\n";
    return fault.exit_code();
  }
}
