#pragma once

#include <string>

#include "apps/workflow-agent/reply.h"

namespace workflow::agent {

/// What a verb has to do with the records: where they live apart from the outputs directory, they
/// are made ready before it and mirrored after it.
enum class Records { none, read, changed };

/// One verb: a name and the function that answers it with the data of the result.
struct Verb {
  const char* name;
  Json (*answer)(Reply&);
  Records records = Records::read;
};

/// The verbs of each family, one table a file.
extern const std::vector<Verb> state_verbs;
extern const std::vector<Verb> task_verbs;
extern const std::vector<Verb> sweep_verbs;
extern const std::vector<Verb> op_verbs;
extern const std::vector<Verb> hand_verbs;
extern const std::vector<Verb> fetch_verbs;
extern const std::vector<Verb> push_verbs;
extern const std::vector<Verb> pod_verbs;
extern const std::vector<Verb> download_verbs;
extern const std::vector<Verb> job_verbs;
extern const std::vector<Verb> dead_man_verbs;
extern const std::vector<Verb> rehearse_verbs;

/// Answers one request on stdin; the events go to stdout. Returns the process's exit code, which
/// is 0 whenever the client has been told how it went.
int answer_call(const std::string& nonce);

}  // namespace workflow::agent
