// Rents or gives back in a RentAccount: a process for test_crash_rent to kill.
//   renter DIR KIND rent|give-back
#include <cstdio>
#include <string>

#include "common/error.h"
#include "tests/support/rent_account.h"

int main(int argc, char** argv) try {
  if (argc != 4) return 2;
  workflow::test::RentAccount account(argv[1], argv[2]);
  const bool done =
      std::string(argv[3]) == "rent" ? !account.rent().pod_id.empty() : account.give_back();
  return done ? 0 : 1;
} catch (const workflow::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return static_cast<int>(error.code());
}
