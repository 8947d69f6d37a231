#pragma once

#include <functional>
#include <string>
#include <vector>

namespace workflow::bench {

/// The middle one of some figures.
[[nodiscard]] double median(std::vector<double> figures);

/// Median and quartiles of some figures: `12.1 [11.8 12.9]`.
[[nodiscard]] std::string spread(std::vector<double> figures, int digits);

/// How long some work takes by the steady clock.
[[nodiscard]] double seconds_of(const std::function<void()>& work);

/// A figure with so many digits after the point.
[[nodiscard]] std::string figure(double value, int digits);

/// Prints a title and rows under headings, the first column flush left, the others right.
void print_table(const std::string& title, const std::vector<std::vector<std::string>>& rows);

}  // namespace workflow::bench
