#pragma once

#include <set>
#include <string>
#include <vector>

#include "tasks/steps/step.h"

namespace workflow::tasks {

/// The packages of APT_PACKAGES that are not there: dpkg does not know them as installed, nor as
/// provided by another, and they are not among `there`, whose programs were found.
[[nodiscard]] std::vector<std::string> missing_packages(const Step& step,
                                                        const std::set<std::string>& there);

/// Installs packages with apt-get, as root or by a sudo that asks nothing; waits for other users of
/// apt's locks, five minutes at the most. Error that says what is in the way.
void install_packages(const Step& step, const std::vector<std::string>& names);

}  // namespace workflow::tasks
