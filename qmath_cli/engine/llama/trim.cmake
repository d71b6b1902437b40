# Leaves out of a build of llama-cpp-python what qmath never loads, which is most of it: llama-common (chat templates,
# downloads, argument parsing of llama.cpp's own tools) and mtmd (images and sound). Used as
# CMAKE_ARGS=-DCMAKE_PROJECT_INCLUDE_BEFORE=THIS_FILE: CMake reads it before each project(), and a normal variable hides
# an option or cache entry of the same name (policies CMP0077 and CMP0126), even one that is set with FORCE.
set(LLAMA_BUILD_COMMON OFF)
set(LLAVA_BUILD OFF)
