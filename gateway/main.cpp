// The program: its command line is all there is to it.
#include "gateway/cli/cli.hpp"

int main(int argc, char** argv) { return sallyport::cli::run(argc, argv); }
