# eddy_flags: warnings, sanitizers and hardening for every target of eddy; nothing global.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# What is built finds its libraries as what is installed does: where the system says.
set(CMAKE_SKIP_BUILD_RPATH ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

add_library(eddy_flags INTERFACE)
target_compile_definitions(eddy_flags INTERFACE _POSIX_C_SOURCE=200809L _DEFAULT_SOURCE
  EDDY_VERSION="${PROJECT_VERSION}")
target_compile_options(eddy_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wno-format-nonliteral
  -Werror=format-security -Werror=implicit-function-declaration -Wno-overlength-strings
  -ffp-contract=off -fno-math-errno)
# The macros of rdkafka.h are statement expressions, which only clang calls pedantic.
target_compile_options(eddy_flags INTERFACE
  $<$<C_COMPILER_ID:Clang>:-Wno-gnu-statement-expression>)
if(EDDY_WERROR)
  target_compile_options(eddy_flags INTERFACE -Werror)
endif()
# What is released knows nothing of the folder that it was made in (tests/packaging/reproducible); who
# debugs keeps the real paths.
target_compile_options(eddy_flags INTERFACE
  $<$<CONFIG:Release>:-ffile-prefix-map=${PROJECT_SOURCE_DIR}=.$<SEMICOLON>-ffile-prefix-map=${PROJECT_BINARY_DIR}=build>)
if(EDDY_FUZZ)
  target_compile_options(eddy_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(EDDY_SANITIZE)
  string(REPLACE ";" "," list "${EDDY_SANITIZE}")
  target_compile_options(eddy_flags INTERFACE -fsanitize=${list} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(eddy_flags INTERFACE -fsanitize=${list})
  # Optimised a little even where it is to be debugged: twice as quick, and as much is found. With
  # the checks in between, gcc sees overflows that cannot be.
  target_compile_options(eddy_flags INTERFACE $<$<CONFIG:Debug>:-O1>
    $<$<C_COMPILER_ID:GNU>:-Wno-stringop-overflow>)
else()
  target_compile_options(eddy_flags INTERFACE -fstack-protector-strong -fstack-clash-protection
    -fcf-protection=full -fno-delete-null-pointer-checks -fno-strict-overflow
    $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=3>)
  target_link_options(eddy_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed)
endif()

# The program is a position-independent executable.
add_library(eddy_hardened INTERFACE)
target_link_options(eddy_hardened INTERFACE -pie)
