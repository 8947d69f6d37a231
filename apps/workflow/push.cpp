#include "apps/workflow/push.h"

#include "client/push.h"
#include "common/text.h"

namespace workflow::app {
namespace {

std::string human(const Json& data, const char* key) {
  return human_bytes(static_cast<double>(number_at(data, key)));
}

std::string dry_run(Context& context) {
  const client::LocalTree tree = client::tree_to_push(context.settings());
  for (const auto& remark : tree.remarks) context.out().warn(remark);
  return "would push " + std::to_string(tree.files.size()) + " files of '" + tree.root.string() +
         "', tree " + tree.name.substr(0, 12);
}

}  // namespace

std::string push_summary(const Json& pushed) {
  const std::string head = text_at(pushed, "head").substr(0, 7);
  std::string text = "tree " + text_at(pushed, "tree").substr(0, 12);
  if (!head.empty()) text += " (" + head + (flag_at(pushed, "dirty") ? " with changes)" : ")");
  text += ", " + std::to_string(number_at(pushed, "files")) + " files, " + human(pushed, "bytes");
  if (flag_at(pushed, "there")) return text + "; there already";
  return text + "; sent " + std::to_string(number_at(pushed, "sent_files")) + " of them, " +
         human(pushed, "sent_bytes");
}

Outcome push(Context& context) {
  if (context.globals().dry_run) {
    context.out().line(dry_run(context));
    return {};
  }
  Outcome outcome{client::push(context.session())};
  for (const char* key : {"notes", "remarks"}) {
    for (const auto& text : member(outcome.data, key)) context.out().warn(text.get<std::string>());
  }
  context.out().line(push_summary(outcome.data));
  return outcome;
}

}  // namespace workflow::app
