#pragma once

#include "bench/ssh_target.h"

// The three parts of bench_ssh; each prints its tables.
namespace workflow::bench {

/// Commands on loopback against `ssh host true`: cold, and over connections that are up.
void near_tables(SshTarget& target, int rounds);

/// The same over a line with a round trip of 50 ms, as numbers of round trips.
void far_tables(SshTarget& target, int rounds);

/// A large file there and back against `ssh host cat` and `scp`; throws when a byte is not equal.
void bulk_tables(SshTarget& target, int rounds, int megabytes);

}  // namespace workflow::bench
