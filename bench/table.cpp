#include "bench/table.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

namespace workflow::bench {

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> figures) {
  std::sort(figures.begin(), figures.end());
  const std::size_t n = figures.size();
  return n % 2 == 1 ? figures[n / 2] : (figures[n / 2 - 1] + figures[n / 2]) / 2;
}

std::string spread(std::vector<double> figures, int digits) {
  std::sort(figures.begin(), figures.end());
  const auto at = [&](double part) {
    return figures[static_cast<std::size_t>(part * static_cast<double>(figures.size() - 1) + 0.5)];
  };
  return figure(median(figures), digits) + " [" + figure(at(0.25), digits) + " " +
         figure(at(0.75), digits) + "]";
}

std::string figure(double value, int digits) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

void print_table(const std::string& title, const std::vector<std::vector<std::string>>& rows) {
  std::printf("%s\n", title.c_str());
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const int width = static_cast<int>(widths[i]);
      std::printf(i == 0 ? "  %-*s" : "  %*s", width, row[i].c_str());
    }
    std::printf("\n");
  }
  std::printf("\n");
}

}  // namespace workflow::bench
