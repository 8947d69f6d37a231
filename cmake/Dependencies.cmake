# What is used and why: docs/dependencies.md. Everything is a package of Debian 12.
find_package(nlohmann_json CONFIG REQUIRED)
find_package(Threads REQUIRED)
find_path(FCCP_INCLUDE_DIR csv.h PATH_SUFFIXES libfccp REQUIRED)
if(NOT WORKFLOW_AGENT_ONLY)
  find_package(CLI11 CONFIG REQUIRED)
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(LIBSSH2 REQUIRED IMPORTED_TARGET libssh2)
endif()
