# Writes the hash of the agent's executable into a header; called at build time.
file(SHA256 ${IMAGE} hash)
file(CONFIGURE OUTPUT ${OUT} CONTENT
"#pragma once
inline constexpr const char* agent_sha256 = \"${hash}\";
inline constexpr const char* agent_machine = \"${MACHINE}\";
")
