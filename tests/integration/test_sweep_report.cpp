#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/answers.h"
#include "tests/support/sweeps.h"

using namespace workflow;
using namespace workflow::test;

namespace {

/// Reads a page as a browser would: every element closed in its order, no address that leads out;
/// prints how many of each element there are and the text.
constexpr const char* read_page = R"(
import html.parser, json, sys
VOID = {"meta", "br", "img", "link", "input"}
class Reader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.count, self.text, self.faults = [], {}, [], []
    def handle_starttag(self, tag, attrs):
        self.count[tag] = self.count.get(tag, 0) + 1
        for key, value in attrs:
            if key in ("src", "href") or key.startswith("on"):
                self.faults.append(f"<{tag} {key}={value}>")
        if tag not in VOID:
            self.open.append(tag)
    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()
    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")
    def handle_data(self, data):
        self.text.append(data)
page = Reader()
page.feed(open(sys.argv[1], encoding="utf-8").read())
page.close()
print(json.dumps({"count": page.count, "text": "".join(page.text),
                  "faults": page.faults + page.open}))
)";

Json page_of(const fs::path& file) {
  CaptureSpec spec;
  spec.argv = {"python3", "-c", read_page, file.string()};
  const Captured read = capture(spec);
  INFO(read.err);
  REQUIRE(read.ok());
  return parse_json(read.out, "the reader");
}

}  // namespace

TEST_CASE("sweep-report writes one page with rows and curves, everything hostile as text") {
  const Sweeps sweeps;
  const std::string metrics =
      "for i in 1 2 3 4; do echo \"{\\\"step\\\":$i,\\\"loss\\\":$((9 / i)).5,"
      "\\\"<b>acc\\\":0.$i}\" >> \"$WF_METRICS_FILE\"; done; ";
  sweeps.manifest(
      {{.run_id = "one", .command = metrics},
       {.run_id = "two",
        .command = metrics + "echo '{\"loss\":NaN}' >> "
                             "\"$WF_METRICS_FILE\""},
       {.run_id = "evil", .command = "echo 'ValueError: </td><script>alert(1)</script>'; exit 3"}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  const Json data = sweeps.space.data({"sweep-report", "--curves", "1"});
  const std::string id = text_at(member(data, "campaign"), "id");
  CHECK(text_at(data, "file") == "sweep-" + id + ".html");
  CHECK(number_at(data, "rows") == 3);
  CHECK(number_at(data, "runs_drawn") == 1);
  CHECK(number_at(data, "runs_with_curves") == 2);

  const Json page = page_of(sweeps.space.dir() / text_at(data, "file"));
  INFO(pretty_json(page));
  CHECK(member(page, "faults").empty());
  CHECK(number_at(member(page, "count"), "script") == 1);
  CHECK(number_at(member(page, "count"), "svg") == 2);
  CHECK(number_at(member(page, "count"), "tr") == 4);
  CHECK(number_at(member(page, "count"), "b") == 0);
  const std::string text = text_at(page, "text");
  CHECK(contains(text, "ValueError: </td><script>alert(1)</script> (stdout.log:"));
  CHECK(contains(text, "3 rows: 2 success, 1 failed"));
  CHECK(contains(text, "1 of 2 runs with metrics are drawn."));
  CHECK(contains(text, text_at(member(data, "campaign"), "manifest_sha256")));

  const Captured named = sweeps.space.run({"sweep-report", "--out", "r.html"});
  CHECK(named.status.code == 0);
  CHECK(contains(named.out, "wrote r.html"));
  CHECK(fs::exists(sweeps.space.dir() / "r.html"));
  CHECK(sweeps.space.run({"sweep-report", "--out", "no/such/r.html"}).status.code == 7);
  CHECK(sweeps.space.run({"sweep-report", "--campaign", "nosuch"}).status.code == 6);
}
