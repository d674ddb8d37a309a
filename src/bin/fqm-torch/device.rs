//! Where to compute: CPU or CUDA from one binary, and the settings that keep results the same.
//!
//! The one file of this crate with `unsafe`: tch has no call for two things that are needed. (1)
//! The linker drops libtorch_cuda, because nothing refers to it; it must be opened before any
//! question about CUDA is asked, since libtorch then keeps its CPU stub for good. (2) Deterministic
//! algorithms are switched on by a method of `at::Context`.

#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::OnceLock;

use tch::{Cuda, Device};

/// What was found when the process asked for a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceReport {
    /// Where to compute.
    pub device: Device,
    /// The device's class, a field of a step's cache key: "cpu" or "cuda".
    pub class: &'static str,
    /// Why there is no CUDA, in the loader's words; None where CUDA is used or was not asked for.
    pub cuda_missing: Option<String>,
}

/// Which device is wished for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wish {
    /// The CPU: the only choice with equal digests everywhere.
    #[default]
    Cpu,
    /// CUDA where it loads, else the CPU.
    Auto,
}

unsafe extern "C" {
    fn dlopen(filename: *const c_char, flags: c_int) -> *mut c_void;
    fn dlerror() -> *const c_char;
    #[link_name = "_ZN2at13globalContextEv"]
    fn at_global_context() -> *mut c_void;
    #[link_name = "_ZN2at7Context26setDeterministicAlgorithmsEbb"]
    fn at_set_deterministic_algorithms(context: *mut c_void, on: bool, warn_only: bool);
}

/// `RTLD_NOW | RTLD_GLOBAL` on Linux: libtorch_cuda registers its kernels while it loads.
const NOW_GLOBAL: c_int = 0x2 | 0x100;

/// Chooses the device. Call it once, before anything else in libtorch; later calls give the first
/// answer for the same wish.
pub fn choose(wish: Wish) -> DeviceReport {
    static CUDA: OnceLock<Result<(), String>> = OnceLock::new();
    use_one_thread();
    let on_cpu =
        |missing| DeviceReport { device: Device::Cpu, class: "cpu", cuda_missing: missing };
    if wish == Wish::Cpu {
        return on_cpu(None);
    }
    match CUDA.get_or_init(open_cuda) {
        Ok(()) => DeviceReport { device: Device::Cuda(0), class: "cuda", cuda_missing: None },
        Err(reason) => on_cpu(Some(reason.clone())),
    }
}

/// One thread inside operations, and deterministic algorithms: sums then run in one order. The
/// thread count belongs to the calling thread, so every thread that computes calls this.
pub fn use_one_thread() {
    tch::set_num_threads(1);
    static DETERMINISTIC: OnceLock<()> = OnceLock::new();
    DETERMINISTIC.get_or_init(|| {
        // SAFETY: both functions belong to the libtorch that tch is linked to; the context is a
        // static object that lives as long as the process, and the flag is a plain bool in it.
        unsafe { at_set_deterministic_algorithms(at_global_context(), true, true) }
    });
}

/// Loads libtorch_cuda and asks whether a device answers.
fn open_cuda() -> Result<(), String> {
    // SAFETY: dlopen takes a NUL-terminated name; loading runs the library's own initialisers,
    // which is what libtorch asks for. The handle is kept for the life of the process.
    let handle = unsafe { dlopen(c"libtorch_cuda.so".as_ptr(), NOW_GLOBAL) };
    if handle.is_null() {
        return Err(loader_error());
    }
    if Cuda::is_available() {
        return Ok(());
    }
    Err("libtorch_cuda loads, but no CUDA device answers".into())
}

fn loader_error() -> String {
    // SAFETY: dlerror gives NULL or a NUL-terminated text that is valid until the next dl call of
    // this thread; it is copied at once.
    let text = unsafe { dlerror() };
    if text.is_null() {
        return "libtorch_cuda.so does not load".into();
    }
    // SAFETY: as above, not NULL.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
