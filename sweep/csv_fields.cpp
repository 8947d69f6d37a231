// The one file that knows the CSV library.
#include "sweep/csv_fields.h"

#include <limits>  // csv.h needs it and forgets it without its reader thread

// The text is in memory: a thread that reads ahead would only cost a start.
#define CSV_IO_NO_THREAD
#include <csv.h>

#include "common/error.h"

namespace workflow::sweep {

std::vector<Fields> read_fields(const std::vector<std::string>& header,
                                const std::vector<CsvLine>& rows) {
  // One reader for the whole file, as each takes 48 MiB. Every line gets its end: without the last
  // one the library looks at a byte behind the text.
  std::string text;
  for (const auto& name : header) text += (text.empty() ? "" : ",") + (name.empty() ? "-" : name);
  text += '\n';
  for (const auto& row : rows) (text += row.text) += '\n';

  std::vector<Fields> out;
  out.reserve(rows.size());
  try {
    io::CSVReader<column_names.size(), io::trim_chars<' ', '\t'>, io::double_quote_escape<',', '"'>>
        reader("manifest", text.data(), text.data() + text.size());
    std::apply(
        [&](auto... names) {
          reader.read_header(io::ignore_extra_column | io::ignore_missing_column,
                             std::string(names)...);
        },
        column_names);
    Fields fields;
    while (std::apply([&](auto&... field) { return reader.read_row(field...); }, fields)) {
      out.push_back(fields);
    }
  } catch (const io::error::base& fault) {
    bug("a line found clean is refused by the CSV library: " + std::string(fault.what()));
  }
  if (out.size() != rows.size()) bug("the CSV library found another number of rows");
  return out;
}

}  // namespace workflow::sweep
