# The agents that the client carries, one for each kind of machine. The one of the machine that we
# build on is a target of this tree; the others come from nested builds with a cross compiler.
include(ExternalProject)

set(WORKFLOW_AGENTS "" CACHE STRING
  "machines whose agent is carried; empty: all for which a compiler is there")
set(agent_kinds x86_64 aarch64)
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  list(PREPEND agent_kinds ${CMAKE_SYSTEM_PROCESSOR})
  list(REMOVE_DUPLICATES agent_kinds)
endif()

# Sets ${machine}_image to the executable and ${machine}_target to what builds it; neither where
# this build carries no agent for the machine.
function(workflow_agent machine)
  if(WORKFLOW_AGENTS AND NOT machine IN_LIST WORKFLOW_AGENTS)
    return()
  endif()
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND CMAKE_SYSTEM_PROCESSOR STREQUAL machine)
    set(${machine}_image ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/workflow-agent PARENT_SCOPE)
    set(${machine}_target workflow-agent PARENT_SCOPE)
    return()
  endif()
  find_program(WORKFLOW_CXX_${machine} ${machine}-linux-gnu-g++)
  if(NOT WORKFLOW_CXX_${machine})
    string(REPLACE _ - package "g++-${machine}-linux-gnu")
    set(why "no agent for ${machine}: ${machine}-linux-gnu-g++ is not there")
    set(cure "apt-get install ${package}; scripts/install tests does it")
    if(machine IN_LIST WORKFLOW_AGENTS)
      message(FATAL_ERROR "${why}; ${cure}")
    endif()
    message(STATUS "${why} (${cure})")
    return()
  endif()
  workflow_cross_build(${machine} ${WORKFLOW_CXX_${machine}})
  set(${machine}_image ${CMAKE_BINARY_DIR}/agents/${machine}/bin/workflow-agent PARENT_SCOPE)
  set(${machine}_target workflow-agent-${machine} PARENT_SCOPE)
endfunction()

# Looked at in every build, because only the nested one knows its sources: a tenth of a second.
function(workflow_cross_build machine compiler)
  set(build ${CMAKE_BINARY_DIR}/agents/${machine})
  string(REGEX REPLACE "g\\+\\+$" "gcc" c_compiler ${compiler})
  cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
  ExternalProject_Add(workflow-agent-${machine}
    SOURCE_DIR ${CMAKE_SOURCE_DIR}
    BINARY_DIR ${build}
    PREFIX ${build}/steps
    CMAKE_ARGS -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=${machine}
               -DCMAKE_C_COMPILER=${c_compiler} -DCMAKE_CXX_COMPILER=${compiler}
               -DCMAKE_C_FLAGS= -DCMAKE_CXX_FLAGS= -DCMAKE_EXE_LINKER_FLAGS=
               -DCMAKE_BUILD_TYPE=Release -DWORKFLOW_WERROR=${WORKFLOW_WERROR}
               -DWORKFLOW_AGENT_ONLY=ON -DWORKFLOW_TESTS=OFF
               -Dnlohmann_json_DIR=${nlohmann_json_DIR} -DFCCP_INCLUDE_DIR=${FCCP_INCLUDE_DIR}
    BUILD_COMMAND ${CMAKE_COMMAND} --build <BINARY_DIR> --parallel ${cores}
    BUILD_ALWAYS ON
    BUILD_BYPRODUCTS ${build}/bin/workflow-agent
    INSTALL_COMMAND "")
endfunction()
