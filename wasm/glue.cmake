# cmake -DFROM=... -DTO=... -DTHREADS=st|mt -P glue.cmake: Emscripten's JavaScript, so that bundlers understand it. They
# find the file of a worker only where its options stand in the call.
file(READ "${FROM}" glue)
set(options "{type:\"module\",workerData:\"em-pthread\",name:\"em-pthread\"}")
string(REPLACE "var workerOptions=${options};" "" glue "${glue}")
string(REPLACE ",import.meta.url),workerOptions)" ",import.meta.url),${options})" glue "${glue}")
string(FIND "${glue}" ",import.meta.url),${options})" place)
if(THREADS STREQUAL mt AND place EQUAL -1)
    message(FATAL_ERROR "This Emscripten starts workers in other words: look at wasm/glue.cmake.")
endif()
file(WRITE "${TO}" "${glue}")
