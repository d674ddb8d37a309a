//! Settings of the C library's allocator. A night works on large frames one after the other; glibc
//! keeps what they leave in an arena for each thread, which at millions of rows is a quarter of the
//! peak. The one `unsafe` of the library stands here.

use std::ffi::c_int;

/// Makes freed memory go back to the system: two arenas, and large pieces mapped on their own. Called
/// once, before any other thread starts; without effect where the C library is not glibc.
pub fn return_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    for (parameter, value) in [(ARENA_MAX, 2), (TRIM_THRESHOLD, PIECE), (MMAP_THRESHOLD, PIECE)] {
        // SAFETY: mallopt takes two numbers and stores them; it touches no memory of ours.
        unsafe { mallopt(parameter, value) };
    }
}

// The parameters of mallopt(3).
const ARENA_MAX: c_int = -8;
const TRIM_THRESHOLD: c_int = -1;
const MMAP_THRESHOLD: c_int = -3;
const PIECE: c_int = 128 * 1024;

#[cfg(all(target_os = "linux", target_env = "gnu"))]
unsafe extern "C" {
    fn mallopt(parameter: c_int, value: c_int) -> c_int;
}
