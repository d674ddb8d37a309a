//! Writes libtorch's folder into the binaries as an rpath, so that `fqm-torch` starts without
//! LD_LIBRARY_PATH. torch-sys tells where it found libtorch.
#[expect(clippy::disallowed_macros, reason = "cargo reads what a build script prints")]
fn main() {
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    if let Ok(folder) = std::env::var("DEP_TCH_LIBTORCH_LIB") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
}
