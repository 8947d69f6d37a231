// The control: what the other cases spoil compiles as it is.
#include "toy.h"

static_assert(workflow::fsm::proved<toy::Sound>());
