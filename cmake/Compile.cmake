# One set of compile settings for every program here.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2")

find_program(CCACHE ccache)
if(CCACHE)
  # ccache must look at the time macros and the precompiled header less strictly to hit at all.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Werror=switch -Werror=return-type
                    -ffunction-sections -fdata-sections)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 sees writes past a std::string that are not there once it has inlined enough.
  add_compile_options(-Wno-array-bounds -Wno-restrict -Wno-maybe-uninitialized
                      -Wno-stringop-overflow -Wno-stringop-overread)
endif()
if(WORKFLOW_WERROR)
  add_compile_options(-Werror)
endif()
if(WORKFLOW_SANITIZE)
  add_compile_options(-fsanitize=${WORKFLOW_SANITIZE} -fno-omit-frame-pointer -g -O1)
  add_link_options(-fsanitize=${WORKFLOW_SANITIZE})
endif()
include_directories(${CMAKE_SOURCE_DIR})

# workflow_room(NAME SOURCES … LINK …): one library per room; its link line is the architecture.
function(workflow_room name)
  cmake_parse_arguments(room "" "" "SOURCES;LINK" ${ARGN})
  add_library(workflow_${name} STATIC ${room_SOURCES})
  target_link_libraries(workflow_${name} PUBLIC ${room_LINK})
endfunction()
