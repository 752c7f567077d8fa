// The command line (CONTRACT section 1): arguments to a command, a command to an exit code.
#pragma once

namespace sallyport::cli {

inline constexpr int kFine = 0;
inline constexpr int kWrongInput = 1;
inline constexpr int kUsage = 2;
inline constexpr int kNotThere = 3;  // a dependency: a file, a port, a store

// Runs the one command that the arguments name (none: serve). Never throws. Results go to stdout, all else to
// stderr.
int run(int argc, char** argv);

}  // namespace sallyport::cli
