#include "remote/transport/key_file.h"

#include <algorithm>
#include <cstdint>

#include "common/text.h"
#include "remote/transport/own_files.h"

namespace workflow::transport {
namespace {

/// Takes a string with its length before it (RFC 4251) from the front; empty when it is cut.
std::string take_string(std::string_view& bytes) {
  if (bytes.size() < 4) return {};
  std::uint32_t size = 0;
  for (int i = 0; i < 4; ++i) size = size << 8U | static_cast<unsigned char>(bytes[std::size_t(i)]);
  if (bytes.size() - 4 < size) return {};
  std::string out(bytes.substr(4, size));
  bytes.remove_prefix(4 + size);
  return out;
}

/// `TYPE BASE64 comment`, the form of .pub files.
std::string public_blob(std::string_view line) {
  const auto words = split(trim(line), ' ');
  return words.size() < 2 ? std::string() : unbase64(words[1]).value_or("");
}

/// The format of ssh-keygen (PROTOCOL.key): the cipher and the public half are readable.
void read_openssh(KeyFile& key, const std::string& text) {
  std::string body;
  for (const auto& line : split(text, '\n')) {
    if (line.rfind("-----", 0) != 0) body += trim(line);
  }
  const std::string bytes = unbase64(body).value_or("");
  constexpr std::string_view magic{"openssh-key-v1\0", 15};
  if (std::string_view(bytes).substr(0, magic.size()) != magic) return;
  std::string_view rest = std::string_view(bytes).substr(magic.size());
  key.encrypted = take_string(rest) != "none";
  (void)take_string(rest);  // the key derivation and its options
  (void)take_string(rest);
  rest.remove_prefix(std::min<std::size_t>(rest.size(), 4));  // how many keys: one
  key.blob = take_string(rest);
}

}  // namespace

std::string key_type(std::string_view blob) { return take_string(blob); }

bool libssh2_signs(const std::string& type) {
  return type == "ssh-ed25519" || type.rfind("ecdsa-sha2-nistp", 0) == 0;
}

KeyFile read_key_file(const fs::path& path) {
  KeyFile key;
  const std::string text = text_of(path);
  const std::string pub = text_of(path.string() + ".pub");
  key.is_private = text.find("PRIVATE KEY-----") != std::string::npos;
  key.there = !text.empty() || !pub.empty();
  key.has_certificate = presence(path.string() + "-cert.pub") == Presence::there;
  if (text.find("BEGIN OPENSSH") != std::string::npos) {
    read_openssh(key, text);
  } else if (key.is_private) {
    key.encrypted = text.find("ENCRYPTED") != std::string::npos;
    if (text.find("BEGIN RSA") != std::string::npos) key.type = "ssh-rsa";
    key.blob = public_blob(pub);
  } else {
    key.blob = public_blob(text.empty() ? pub : text);
  }
  if (!key.blob.empty()) key.type = key_type(key.blob);
  if (key.type.find("-cert-") != std::string::npos) key.has_certificate = true;
  return key;
}

}  // namespace workflow::transport
