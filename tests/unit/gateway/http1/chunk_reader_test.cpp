// The chunked coding: what decodes, what is refused, and that no cut of the bytes changes the verdict.
#include "gateway/http1/chunk_reader.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sallyport::http1 {
namespace {

struct Outcome {
  Progress progress = Progress::need_more;
  std::string body;
  std::string_view code;
  std::size_t consumed = 0;
};

// Feeds `bytes` in pieces of `step` bytes, as a connection would.
Outcome decode(ChunkReader& reader, const std::string& bytes, std::size_t step_size) {
  Outcome outcome;
  for (std::size_t received = 0; outcome.progress == Progress::need_more && received < bytes.size();) {
    received = std::min(bytes.size(), received + step_size);
    while (true) {
      const BodyStep step =
          reader.read(std::string_view(bytes).substr(outcome.consumed, received - outcome.consumed));
      outcome.progress = step.progress;
      outcome.body += step.piece;
      outcome.consumed += step.consumed;
      outcome.code = step.refusal.code;
      if (step.progress != Progress::need_more || step.consumed == 0) break;
    }
  }
  return outcome;
}

TEST(ChunkReader, DecodesEveryCutTheSameWay) {
  const std::string bytes =
      "5\r\nhello\r\n6;a=b;c=\"d \\\" e\";f\r\n world\r\n0001\r\n!\r\n0;x\r\nA: 1\r\nB:  two \r\n\r\nGET";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    ChunkReader reader({});
    const Outcome outcome = decode(reader, bytes, step);
    ASSERT_EQ(outcome.progress, Progress::complete) << step << outcome.code;
    EXPECT_EQ(outcome.body, "hello world!");
    EXPECT_EQ(outcome.consumed, bytes.size() - 3) << "the next message is left alone";
    ASSERT_EQ(reader.trailers().size(), 2u);
    EXPECT_EQ(reader.trailers()[0].name, "A");
    EXPECT_EQ(reader.trailers()[1].value, "two");
  }
}

struct Row {
  const char* name;
  std::string bytes;
  const char* code;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class RefusedChunks : public testing::TestWithParam<Row> {};

TEST_P(RefusedChunks, AreRefusedWholeAndByteByByte) {
  for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{7}, GetParam().bytes.size()}) {
    ChunkReader reader({});
    const Outcome outcome = decode(reader, GetParam().bytes, step);
    EXPECT_EQ(outcome.progress, Progress::refused) << step;
    EXPECT_EQ(outcome.code, GetParam().code) << step;
    EXPECT_EQ(reader.read("0\r\n\r\n").progress, Progress::refused) << "F1";
  }
}

const std::string kNul("\0", 1);

INSTANTIATE_TEST_SUITE_P(
    Chunks, RefusedChunks,
    testing::Values(
        Row{"no_size", "\r\n\r\n", "bad_chunk_size"}, Row{"only_extension", ";a\r\nx", "bad_chunk_size"},
        Row{"minus", "-1\r\nx", "bad_chunk_size"}, Row{"plus", "+1\r\nx", "bad_chunk_size"},
        Row{"prefix_0x", "0x1\r\nx", "bad_chunk_extension"}, Row{"blank_first", " 1\r\nx", "bad_chunk_size"},
        Row{"blank_after", "1 \r\nx", "bad_chunk_extension"},
        Row{"tab_after", "1\t\r\nx", "bad_chunk_extension"},
        Row{"underscore", "1_0\r\nx", "bad_chunk_extension"},
        Row{"overflow_64_bits", "10000000000000005\r\nhello", "chunk_size_too_big"},
        Row{"over_2_63", "8000000000000000\r\nx", "chunk_size_too_big"},
        Row{"long_zeros", "00000000000000001\r\nx", "chunk_size_too_big"},
        Row{"bare_lf", "1\nx\n0\n\n", "bare_lf_in_chunk"}, Row{"bare_cr", "1\rx", "bare_cr_in_chunk"},
        // B6
        Row{"nul_in_extension", "1;a=\"" + kNul + "\"\r\nx", "control_byte_in_chunk"},
        Row{"lf_in_quoted_extension", "1;a=\"\n\"\r\nx", "bare_lf_in_chunk"},
        Row{"open_quote", "1;a=\"b\r\nx", "bad_chunk_extension"},
        Row{"no_extension_name", "1;\r\nx", "bad_chunk_extension"},
        Row{"no_extension_value", "1;a=\r\nx", "bad_chunk_extension"},
        Row{"escaped_end", "1;a=\"b\\\"\r\nx", "bad_chunk_extension"},
        Row{"long_extension", "1;" + std::string(300, 'a') + "\r\nx", "chunk_line_too_long"},
        Row{"long_line_without_end", "1;" + std::string(300, 'a'), "chunk_line_too_long"},
        Row{"data_too_long", "1\r\nxy\r\n0\r\n\r\n", "bad_chunk_end"},
        Row{"data_end_lf", "1\r\nx\n0\r\n\r\n", "bad_chunk_end"},
        Row{"data_end_cr", "1\r\nx\rx0\r\n\r\n", "bad_chunk_end"},
        // Trailers
        Row{"trailer_no_colon", "0\r\nab\r\n\r\n", "bad_trailer_name"},
        Row{"trailer_no_name", "0\r\n: b\r\n\r\n", "bad_trailer_name"},
        Row{"trailer_blank_before_colon", "0\r\na : b\r\n\r\n", "bad_trailer_name"},
        Row{"trailer_fold", "0\r\na: b\r\n c\r\n\r\n", "obs_fold_in_trailer"},
        Row{"trailer_bare_lf", "0\r\na: b\n\r\n", "bare_lf_in_chunk"},
        Row{"trailer_nul", "0\r\na: " + kNul + "\r\n\r\n", "control_byte_in_chunk"},
        Row{"trailer_end_lf", "0\r\n\n", "bare_lf_in_chunk"}),
    [](const auto& row) { return row.param.name; });

TEST(ChunkReader, CapsTrailersInNumberAndSize) {
  const auto trailers = [](int n, std::size_t size) {
    std::string text = "0\r\n";
    for (int i = 0; i < n; ++i) text += "a:" + std::string(size, 'x') + "\r\n";
    return text + "\r\n";
  };
  struct Case {
    std::string bytes;
    Progress progress;
    std::string_view code;
  };
  for (const Case& one : {Case{trailers(32, 10), Progress::complete, ""},
                          Case{trailers(33, 10), Progress::refused, "too_many_trailers"},
                          Case{trailers(8, 1020), Progress::complete, ""},
                          Case{trailers(9, 1020), Progress::refused, "trailers_too_long"},
                          Case{trailers(1, 8190), Progress::complete, ""},
                          Case{trailers(1, 8191), Progress::refused, "trailers_too_long"}}) {
    ChunkReader reader({});
    const Outcome outcome = decode(reader, one.bytes, 1000);
    EXPECT_EQ(outcome.progress, one.progress) << one.bytes.size();
    EXPECT_EQ(outcome.code, one.code);
  }
}

TEST(ChunkReader, TakesTheLargestSizeWithoutOverflow) {
  ChunkReader reader({});
  const BodyStep step = reader.read("7fffffffffffffff\r\nabc");
  EXPECT_EQ(step.progress, Progress::need_more);
  EXPECT_EQ(step.piece, "abc");
}

}  // namespace
}  // namespace sallyport::http1
