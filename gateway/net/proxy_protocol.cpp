// See proxy_protocol.hpp.
#include "gateway/net/proxy_protocol.hpp"

#include <algorithm>

namespace sallyport::gateway {
namespace {

using State = ProxyHeader::State;
constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kFixed = 16;     // signature, version and command, family, length
constexpr std::size_t kMaxText = 107;  // version 1, CRLF included

ProxyHeader refused(std::string_view reason) {
  ProxyHeader header;
  header.state = State::refused;
  header.reason = reason;
  return header;
}

ProxyHeader complete(std::size_t consumed) {
  ProxyHeader header;
  header.state = State::complete;
  header.consumed = consumed;
  return header;
}

// Do the first bytes of both agree, as far as there are any?
bool begins_alike(std::string_view bytes, std::string_view mark) {
  const std::size_t n = std::min(bytes.size(), mark.size());
  return bytes.substr(0, n) == mark.substr(0, n);
}

// Decimal without sign or leading zeros, as the specification wants it.
bool read_port(std::string_view text, std::uint16_t& port) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text[0] == '0')) return false;
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  if (value > 65535) return false;
  port = static_cast<std::uint16_t>(value);
  return true;
}

// The next word behind exactly one blank.
bool next_word(std::string_view& line, std::string_view& word) {
  if (line.empty() || line.front() != ' ') return false;
  line.remove_prefix(1);
  word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return !word.empty();
}

// "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"
ProxyHeader read_text(std::string_view bytes) {
  const std::size_t end = bytes.substr(0, kMaxText).find('\n');
  if (end == bytes.npos)
    return bytes.size() >= kMaxText ? refused("PROXY line of more than 107 bytes") : ProxyHeader{};
  std::string_view line = bytes.substr(0, end);
  if (line.empty() || line.back() != '\r') return refused("PROXY line without CR LF");
  line.remove_suffix(1);
  line.remove_prefix(std::string_view("PROXY").size());
  std::string_view family, source, destination, from_port, to_port;
  if (!next_word(line, family)) return refused("PROXY line without a family");
  if (family == "UNKNOWN") return complete(end + 1);  // what follows up to CR LF must be ignored
  const bool v6 = family == "TCP6";
  if (!v6 && family != "TCP4") return refused("PROXY line of an unknown family");
  if (!next_word(line, source) || !next_word(line, destination) || !next_word(line, from_port) ||
      !next_word(line, to_port) || !line.empty())
    return refused("PROXY line without its four values");
  const auto client = parse_ip(source);
  const auto local = parse_ip(destination);
  const auto is_v6 = [](std::string_view text) { return text.find(':') != text.npos; };
  std::uint16_t ignored = 0;
  ProxyHeader header = complete(end + 1);
  if (!client || !local || is_v6(source) != v6 || is_v6(destination) != v6 ||
      !read_port(from_port, header.port) || !read_port(to_port, ignored))
    return refused("PROXY line with a bad address or port");
  header.names_client = true;
  header.client = *client;
  return header;
}

std::uint16_t big_endian(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                                    static_cast<unsigned char>(bytes[at + 1]));
}

// What follows the addresses: type, length, value, to the end without a rest.
bool whole_tlvs(std::string_view rest) {
  while (!rest.empty()) {
    if (rest.size() < 3) return false;
    const std::size_t size = 3u + big_endian(rest, 1);
    if (rest.size() < size) return false;
    rest.remove_prefix(size);
  }
  return true;
}

ProxyHeader read_binary(std::string_view bytes) {
  if (bytes.size() >= 13) {
    const auto version = static_cast<unsigned char>(bytes[12]);
    if (version >> 4 != 2 || (version & 15) > 1)
      return refused("PROXY header of an unknown version or command");
  }
  if (bytes.size() < kFixed) return {};
  const bool local = (bytes[12] & 15) == 0;
  const unsigned family = static_cast<unsigned char>(bytes[13]);
  const std::size_t size = kFixed + big_endian(bytes, 14);
  if (size > kMaxProxyHeader) return refused("PROXY header too long");
  const std::size_t addresses = family == 0x11 ? 12 : family == 0x21 ? 36 : 0;
  // UDP, or a family of the future: nothing that a TCP connection of ours could have. UNIX (0x31) and UNSPEC
  // name no IP address.
  if (!local && addresses == 0 && family != 0 && family != 0x31)
    return refused("PROXY header of an unknown family");
  if (!local && size - kFixed < addresses) return refused("PROXY header too short for its addresses");
  if (bytes.size() < size) return {};
  ProxyHeader header = complete(size);
  if (local || addresses == 0) return header;
  const std::string_view body = bytes.substr(kFixed, size - kFixed);
  if (!whole_tlvs(body.substr(addresses))) return refused("PROXY header with broken TLVs");
  header.names_client = true;
  if (addresses == 12) {
    header.client.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
    std::copy_n(body.begin(), 4, header.client.bytes.begin() + 12);
    header.port = big_endian(body, 8);
  } else {
    std::copy_n(body.begin(), 16, header.client.bytes.begin());
    header.port = big_endian(body, 32);
  }
  return header;
}

}  // namespace

ProxyHeader read_proxy_header(std::string_view bytes) {
  if (begins_alike(bytes, kSignature))
    return bytes.size() < kSignature.size() ? ProxyHeader{} : read_binary(bytes);
  constexpr std::string_view kWord = "PROXY ";
  if (!begins_alike(bytes, kWord)) return refused("no PROXY header");
  return bytes.size() < kWord.size() ? ProxyHeader{} : read_text(bytes);
}

}  // namespace sallyport::gateway
