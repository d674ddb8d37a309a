//! The few tensor operations of the network that go beyond dense layers.
//!
//! Only operations whose result does not depend on the number of threads or on timing are used:
//! `index_select`, `index_add`, `internal_scatter_reduce` and matrix products. In particular not
//! `index` and `index_put`, whose gradients add up in any order.

use tch::{Kind, TchError, Tensor};

/// Result of a tensor operation.
pub type Torch<T = Tensor> = Result<T, TchError>;

/// `out[index[i]] += rows[i]` for `n` rows of output.
pub fn sum_into(rows: &Tensor, index: &Tensor, n: i64) -> Torch {
    let width = rows.size2()?.1;
    Tensor::f_zeros([n, width], (rows.kind(), rows.device()))?.f_index_add(0, index, rows)
}

/// `out[index[i]] = max over i of rows[i]` for `n` rows of output; a row without any is 0.
///
/// The maximum is found without gradient, then summed through a mask of the rows that reach it
/// (ties share it): the same gradient as that of the built-in reduction, in a third of its time.
pub fn max_into(rows: &Tensor, index: &Tensor, n: i64) -> Torch {
    let (count, width) = rows.size2()?;
    let (mask, ties) = {
        let _guard = tch::no_grad_guard();
        let spread = index.f_unsqueeze(1)?.f_expand([count, width], false)?;
        let top = Tensor::f_full([n, width], f64::from(f32::MIN), (rows.kind(), rows.device()))?
            .f_internal_scatter_reduce(0, &spread, rows, "amax", true)?;
        let mask = rows.f_eq_tensor(&top.f_index_select(0, index)?)?.f_to_kind(rows.kind())?;
        let ties = sum_into(&mask, index, n)?.f_clamp_min(1.0)?;
        (mask, ties)
    };
    sum_into(&rows.f_mul(&mask)?, index, n)?.f_div(&ties)
}

/// `x · w` with weights stored as `[inputs, outputs]`, plus an optional bias.
pub fn linear(x: &Tensor, w: &Tensor, b: Option<&Tensor>) -> Torch {
    match b {
        Some(b) => b.f_addmm(x, w),
        None => x.f_mm(w),
    }
}

/// Layer normalisation over the last dimension.
pub fn norm(x: &Tensor, gain: &Tensor, bias: &Tensor) -> Torch {
    let width = x.size2()?.1;
    x.f_layer_norm([width], Some(gain), Some(bias), 1e-5, false)
}

/// A float tensor from numbers and a shape.
pub fn floats(data: &[f32], shape: &[i64], device: tch::Device) -> Torch {
    Tensor::f_from_slice(data)?.f_reshape(shape)?.f_to(device)
}

/// An index tensor.
pub fn indices(data: &[i64], device: tch::Device) -> Torch {
    Tensor::f_from_slice(data)?.f_to(device)
}

/// Reads a float tensor of any shape into a vector, row by row.
pub fn to_vec(t: &Tensor) -> Torch<Vec<f32>> {
    let flat = t.f_detach()?.f_to(tch::Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?;
    let mut out = vec![0.0f32; flat.numel()];
    let n = out.len();
    flat.f_copy_data(&mut out, n)?;
    Ok(out)
}
