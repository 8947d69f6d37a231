# Writes the table of the agents that the client carries into a header; called at build time with
# MACHINES (a list), <machine>_image for each of them, and OUT.
set(labels "")
set(rows "")
foreach(machine IN LISTS MACHINES)
  file(SHA256 ${${machine}_image} hash)
  set(label workflow_agent_${machine})
  string(APPEND labels "extern \"C\" const char ${label}_begin[];\nextern \"C\" const char ${label}_end[];\n")
  string(APPEND rows "    {${label}_begin, ${label}_end, \"${hash}\", \"${machine}\"},\n")
endforeach()
file(CONFIGURE OUTPUT ${OUT} @ONLY CONTENT "#pragma once
@labels@
struct AgentRow {
  const char* begin;
  const char* end;
  const char* sha256;
  const char* machine;
};
inline constexpr AgentRow agent_rows[] = {
@rows@};
")
