# CMake toolchain file: finds emcc on PATH or in .toolchain (see setup.mjs) and hands over to Emscripten's own file.
set(private_bin "${CMAKE_CURRENT_LIST_DIR}/../../.toolchain/bin")
find_program(TRIT_EM_CONFIG em-config HINTS "${private_bin}" NO_CMAKE_FIND_ROOT_PATH)
if(NOT TRIT_EM_CONFIG)
    message(FATAL_ERROR "Emscripten is missing: run `node wasm/toolchain/setup.mjs`.")
endif()
execute_process(COMMAND "${TRIT_EM_CONFIG}" EMSCRIPTEN_ROOT
    OUTPUT_VARIABLE emscripten_root OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
include("${emscripten_root}/cmake/Modules/Platform/Emscripten.cmake")

# Node 20 computes the relaxed dot product wrongly, so that flavour is tested with the newer Node that
# `setup.mjs --tests` brings. The others run in the oldest Node that trit supports, the one on PATH.
if(TRIT_RELAXED)
    get_filename_component(emulator "${private_bin}/../node24/node" ABSOLUTE)
else()
    set(emulator node)
endif()
set(CMAKE_CROSSCOMPILING_EMULATOR "${emulator}")
