//! Links `fqm-pipe` to a fixed address, and writes libtorch's folder into the binaries as an rpath, so that
//! `fqm-torch` starts without LD_LIBRARY_PATH. torch-sys tells where it found libtorch.
#[expect(clippy::disallowed_macros, reason = "cargo reads what a build script prints")]
fn main() {
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    // At a fixed address the loader has nothing to relocate. With 300,000 relocations it takes 3 ms,
    // more than most commands do, and every step in a process of its own would pay for it.
    println!("cargo:rustc-link-arg-bin=fqm-pipe=-no-pie");
    if let Ok(folder) = std::env::var("DEP_TCH_LIBTORCH_LIB") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
}
