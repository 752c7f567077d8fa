#include "auth/stores/redis/resp.hpp"

#include <hiredis/hiredis.h>

#include <cstdlib>
#include <new>
#include <stdexcept>

namespace sallyport::stores::redis {
namespace {

// What hiredis hands to the functions below while it reads one reply.
struct Building {
  ReplyLimits limits;
  std::size_t elements = 0;
};

// Where the reply of this task goes: a fresh root, or the place that its parent's array has for it.
Reply* place(const redisReadTask* task) noexcept {
  if (!task->parent) return new (std::nothrow) Reply;
  return &static_cast<Reply*>(task->parent->obj)->elements[static_cast<std::size_t>(task->idx)];
}

std::size_t depth_of(const redisReadTask* task) {
  std::size_t depth = 1;
  for (; task->parent; task = task->parent) ++depth;
  return depth;
}

// nullptr makes hiredis stop with an error: for want of memory, or because no RESP2 server sends that.
void* create_string(const redisReadTask* task, char* text, std::size_t size) noexcept {
  Reply::Type type;
  switch (task->type) {
    case REDIS_REPLY_STRING:
      type = Reply::Type::string;
      break;
    case REDIS_REPLY_STATUS:
      type = Reply::Type::status;
      break;
    case REDIS_REPLY_ERROR:
      type = Reply::Type::error;
      break;
    default:
      return nullptr;
  }
  Reply* reply = place(task);
  if (!reply) return nullptr;
  try {
    reply->text.assign(text, size);
  } catch (const std::exception&) {
    if (!task->parent) delete reply;
    return nullptr;
  }
  reply->type = type;
  return reply;
}

// hiredis counts in int before 1.0 and in size_t since.
template <typename Count>
void* create_array(const redisReadTask* task, Count count) noexcept {
  if (task->type != REDIS_REPLY_ARRAY || count < Count{0}) return nullptr;
  auto& building = *static_cast<Building*>(task->privdata);
  const auto wanted = static_cast<std::size_t>(count);
  if (wanted > building.limits.elements - building.elements || depth_of(task) > building.limits.depth)
    return nullptr;
  Reply* reply = place(task);
  if (!reply) return nullptr;
  try {
    reply->elements.resize(wanted);
  } catch (const std::exception&) {
    if (!task->parent) delete reply;
    return nullptr;
  }
  building.elements += wanted;
  reply->type = Reply::Type::array;
  return reply;
}

void* create_integer(const redisReadTask* task, long long value) noexcept {
  Reply* reply = place(task);
  if (!reply) return nullptr;
  reply->type = Reply::Type::integer;
  reply->integer = value;
  return reply;
}

void* create_nil(const redisReadTask* task) noexcept { return place(task); }

// Children live inside the root, so freeing it frees all.
void free_object(void* object) noexcept { delete static_cast<Reply*>(object); }

// Types of RESP3, which hiredis 1.x reads too: without these functions it would store a number as a pointer.
template <typename Functions>
void refuse_resp3(Functions& functions) {
  if constexpr (requires { functions.createDouble; })
    functions.createDouble = [](const redisReadTask*, double, char*, std::size_t) -> void* {
      return nullptr;
    };
  if constexpr (requires { functions.createBool; })
    functions.createBool = [](const redisReadTask*, int) -> void* { return nullptr; };
}

redisReplyObjectFunctions reply_functions() {
  redisReplyObjectFunctions functions{};
  functions.createString = &create_string;
  functions.createArray = &create_array;
  functions.createInteger = &create_integer;
  functions.createNil = &create_nil;
  functions.freeObject = &free_object;
  refuse_resp3(functions);
  return functions;
}

struct FreeReader {
  void operator()(redisReader* reader) const { redisReaderFree(reader); }
};

}  // namespace

std::string encode(std::span<const std::string_view> arguments) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  texts.reserve(arguments.size());
  sizes.reserve(arguments.size());
  for (const auto argument : arguments) {
    texts.push_back(argument.data() ? argument.data() : "");
    sizes.push_back(argument.size());
  }
  char* formatted = nullptr;
  const auto size =
      redisFormatCommandArgv(&formatted, static_cast<int>(arguments.size()), texts.data(), sizes.data());
  if (size < 0 || !formatted) throw std::bad_alloc();
  const std::unique_ptr<char, decltype(&redisFreeCommand)> guard(formatted, &redisFreeCommand);
  return std::string(formatted, static_cast<std::size_t>(size));
}

std::string encode(std::initializer_list<std::string_view> arguments) {
  return encode(std::span<const std::string_view>(arguments.begin(), arguments.size()));
}

std::string encode(const std::vector<std::string>& arguments) {
  const std::vector<std::string_view> views(arguments.begin(), arguments.end());
  return encode(std::span<const std::string_view>(views));
}

struct ReplyReader::Impl {
  redisReplyObjectFunctions functions = reply_functions();
  Building building;
  std::unique_ptr<redisReader, FreeReader> reader;
};

ReplyReader::ReplyReader(ReplyLimits limits) : impl_(std::make_unique<Impl>()) {
  impl_->building.limits = limits;
  impl_->reader.reset(redisReaderCreateWithFunctions(&impl_->functions));
  if (!impl_->reader) throw std::bad_alloc();
  impl_->reader->privdata = &impl_->building;
}

ReplyReader::~ReplyReader() = default;
ReplyReader::ReplyReader(ReplyReader&&) noexcept = default;
ReplyReader& ReplyReader::operator=(ReplyReader&&) noexcept = default;

bool ReplyReader::feed(std::string_view bytes) {
  return redisReaderFeed(impl_->reader.get(), bytes.data(), bytes.size()) == REDIS_OK;
}

boost::system::result<std::optional<Reply>, std::string> ReplyReader::next() {
  redisReader& reader = *impl_->reader;
  void* object = nullptr;
  if (redisReaderGetReply(&reader, &object) != REDIS_OK) {
    if (reader.err == REDIS_ERR_OOM) return std::string("a reply that is too large or of no RESP2 type");
    return std::string(static_cast<const char*>(reader.errstr));
  }
  if (!object) {
    if (reader.len - reader.pos > impl_->building.limits.bytes)
      return std::string("a reply that is too large");
    return std::optional<Reply>();
  }
  impl_->building.elements = 0;
  const std::unique_ptr<Reply> reply(static_cast<Reply*>(object));
  return std::optional<Reply>(std::move(*reply));
}

}  // namespace sallyport::stores::redis
