#include "remote/sync/entry.h"

#include <array>
#include <utility>

#include "common/error.h"
#include "common/json.h"
#include "common/plain_line.h"
#include "common/text.h"

namespace workflow::sync {
namespace {

constexpr std::array<std::pair<Kind, const char*>, 5> kinds{{{Kind::source, "source"},
                                                             {Kind::directory, "directory"},
                                                             {Kind::file, "file"},
                                                             {Kind::link, "link"},
                                                             {Kind::end, "end"}}};

void put_bytes(Json& json, const std::string& key, const std::string& bytes) {
  if (valid_utf8(bytes)) {
    json[key] = bytes;
  } else {
    json[key + "_base64"] = base64(bytes);
  }
}

std::string take_bytes(const Json& json, const std::string& key) {
  const Json& encoded = member(json, key + "_base64");
  if (encoded.is_string()) return unbase64(encoded.get<std::string>()).value_or("");
  return text_at(json, key);
}

}  // namespace

Json entry_json(const Entry& entry) {
  Json json = Json::object();
  for (const auto& [kind, name] : kinds) {
    if (kind == entry.kind) json["kind"] = name;
  }
  put_bytes(json, "path", entry.path);
  if (entry.kind == Kind::link) put_bytes(json, "target", entry.target);
  if (entry.kind == Kind::file) json["size"] = entry.size;
  json["mode"] = entry.mode;
  json["mtime_ns"] = entry.mtime_ns;
  return json;
}

std::string entry_line(const Entry& entry) {
  if (entry.kind != Kind::file || !is_plain(entry.path)) {
    return dump_json(entry_json(entry)) + "\n";
  }
  return "{\"kind\":\"file\",\"path\":\"" + entry.path +
         "\",\"size\":" + std::to_string(entry.size) + ",\"mode\":" + std::to_string(entry.mode) +
         ",\"mtime_ns\":" + std::to_string(entry.mtime_ns) + "}\n";
}

Entry entry_from(std::string_view line) {
  Entry entry{.kind = Kind::file};
  std::string_view path;
  std::int64_t mode = 0;
  PlainLine plain(line);
  plain.skip("{\"kind\":\"file\",\"path\":\"").text(path).skip("\",\"size\":").number(entry.size);
  plain.skip(",\"mode\":").number(mode).skip(",\"mtime_ns\":").number(entry.mtime_ns).skip("}");
  if (plain.whole() && entry.size >= 0) {
    entry.path = path;
    entry.mode = static_cast<unsigned>(mode) & 0777U;
    return entry;
  }
  return entry_from_json(parse_json(line, "a copied file's line"));
}

Entry entry_from_json(const Json& json) {
  const std::string name = text_at(json, "kind");
  for (const auto& [kind, known] : kinds) {
    if (name != known) continue;
    Entry entry{kind,
                take_bytes(json, "path"),
                take_bytes(json, "target"),
                number_at(json, "size"),
                static_cast<unsigned>(number_at(json, "mode")) & 0777U,
                number_at(json, "mtime_ns")};
    if (entry.size >= 0) return entry;
  }
  throw Error(Code::unreachable, "a copied file's line arrived damaged");
}

Json sum_json(const Sum& sum) {
  return {{"files", sum.files},
          {"directories", sum.directories},
          {"links", sum.links},
          {"bytes", sum.bytes}};
}

Sum sum_from(const Json& json) {
  return {number_at(json, "files"), number_at(json, "directories"), number_at(json, "links"),
          number_at(json, "bytes")};
}

std::string shown(std::string_view path) {
  std::string text(path);
  const bool is_text = valid_utf8(path);
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20U || byte == 0x7fU || (!is_text && byte >= 0x80U)) c = '?';
  }
  return text;
}

}  // namespace workflow::sync
