//! What a process that holds libtorch must find in its environment when it starts.

/// Variables that make CPU results the same on every machine that has AVX2. libtorch, MKL and
/// oneDNN read them while they load, so the parent sets them for the child; setting them later
/// does nothing. The thread counts keep OpenMP and MKL from starting pools of their own.
pub const DETERMINISM_ENV: &[(&str, &str)] = &[
    ("ATEN_CPU_CAPABILITY", "avx2"),
    ("MKL_CBWR", "AVX2,STRICT"),
    ("ONEDNN_MAX_CPU_ISA", "AVX2"),
    ("OMP_NUM_THREADS", "1"),
    ("MKL_NUM_THREADS", "1"),
    // cuBLAS is deterministic only with a workspace of fixed size.
    ("CUBLAS_WORKSPACE_CONFIG", ":4096:8"),
];
