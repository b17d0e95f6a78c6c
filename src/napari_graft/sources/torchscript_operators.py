"""The operators of torch that a network needs: what is not in these lists is not loaded, or not run.

What they share: each computes tensors, numbers, lists or words from others. None names a file, a process or
a network, returns memory that nobody wrote, reads past a tensor's end, or makes an object of a class. None
prints but ``warn``, which scripted layers of torch hold for inputs that they were not made for (Dropout2d).
"""

from __future__ import annotations

_CONVOLUTION = """
    _convolution conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d
    conv_depthwise3d convolution convolution_overrideable conv_tbc linear bilinear matmul mm bmm addmm
    addbmm baddbmm mv addmv dot einsum tensordot kron outer chain_matmul linalg_matmul im2col col2im
    unfold channel_shuffle pixel_shuffle pixel_unshuffle native_channel_shuffle
"""
_NORMALISATION = """
    batch_norm group_norm instance_norm layer_norm local_response_norm rms_norm native_batch_norm
    native_group_norm native_layer_norm _native_batch_norm_legit _native_batch_norm_legit_no_training
    dropout dropout_ feature_dropout feature_dropout_ alpha_dropout alpha_dropout_ feature_alpha_dropout
    feature_alpha_dropout_ normalize linalg_norm linalg_vector_norm linalg_matrix_norm norm
    frobenius_norm renorm cosine_similarity pairwise_distance cdist dist _weight_norm
    _weight_norm_interface
"""
_ACTIVATION = """
    relu relu_ relu6 relu6_ leaky_relu leaky_relu_ prelu _prelu_kernel rrelu rrelu_ elu elu_ selu selu_
    celu celu_ gelu gelu_ silu silu_ mish mish_ glu hardswish hardswish_ hardsigmoid hardsigmoid_
    hardtanh hardtanh_ hardshrink softshrink softplus softsign sigmoid sigmoid_ log_sigmoid tanh tanh_
    threshold threshold_ softmax log_softmax _softmax _log_softmax softmin logit logit_ special_expit
    scaled_dot_product_attention _native_multi_head_attention _transformer_encoder_layer_fwd
"""
_POOLING = """
    avg_pool1d avg_pool2d avg_pool3d max_pool1d max_pool2d max_pool3d max_pool1d_with_indices
    max_pool2d_with_indices max_pool3d_with_indices max_unpool2d max_unpool3d adaptive_avg_pool1d
    adaptive_avg_pool2d adaptive_avg_pool3d _adaptive_avg_pool2d _adaptive_avg_pool3d
    adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d
"""
_RESAMPLING = """
    upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d
    _upsample_nearest_exact2d _upsample_nearest_exact3d upsample_linear1d upsample_bilinear2d
    upsample_trilinear3d upsample_bicubic2d _upsample_bilinear2d_aa _upsample_bicubic2d_aa
    _upsample_lanczos2d_aa grid_sampler grid_sampler_2d grid_sampler_3d affine_grid_generator pad
    constant_pad_nd reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d
    replication_pad2d replication_pad3d _pad_enum _pad_circular fft_fft2 fft_ifft2 fft_rfft2 fft_irfft2
    fft_fftn fft_ifftn fft_rfftn fft_irfftn fft_fftshift fft_ifftshift fft_fft fft_ifft fft_rfft
    fft_irfft
"""
_ARITHMETIC = """
    add add_ sub sub_ subtract subtract_ rsub mul mul_ multiply multiply_ div div_ divide divide_
    true_divide true_divide_ floor_divide floor_divide_ floordiv remainder remainder_ fmod fmod_
    mathremainder divmod pow pow_ float_power neg neg_ negative negative_ positive abs abs_ absolute
    sign sign_ sgn reciprocal reciprocal_ sqrt sqrt_ rsqrt rsqrt_ square square_ exp exp_ exp2 expm1 log
    log_ log1p log2 log10 sin sin_ cos cos_ tan asin acos atan atan2 sinh cosh asinh acosh atanh erf
    erf_ erfc floor floor_ ceil ceil_ round round_ trunc trunc_ frac clamp clamp_ clamp_min clamp_min_
    clamp_max clamp_max_ clip clip_ minimum maximum min max fmin fmax amin amax aminmax sum nansum mean
    nanmean prod std var std_mean var_mean median nanmedian quantile mode logsumexp logaddexp cumsum
    cumsum_ cumprod cummax cummin diff addcmul addcmul_ addcdiv addcdiv_ lerp lerp_ heaviside nan_to_num
    nan_to_num_ hypot xlogy deg2rad rad2deg sinc real imag angle conj resolve_conj resolve_neg
    conj_physical view_as_real view_as_complex polar complex gcd fabs degrees radians copysign
"""
_COMPARISON = """
    eq eq_ ne ne_ lt lt_ le le_ gt gt_ ge ge_ equal greater greater_equal less less_equal not_equal
    isnan isinf isfinite isposinf isneginf isclose allclose all any logical_and logical_or logical_not
    logical_xor logical_and_ logical_or_ logical_not_ logical_xor_ bitwise_and bitwise_or bitwise_xor
    bitwise_not where masked_fill masked_fill_ masked_select masked_scatter __and__ __or__ __xor__
    __lshift__ __rshift__ __iand__ __ior__ __ixor__ __not__ __is__ __isnot__ __contains__ argmax argmin
    argsort sort topk kthvalue msort nonzero count_nonzero unique_dim _unique2 searchsorted bucketize
    isin
"""
_SHAPE = """
    size numel dim stride len view view_as reshape reshape_as flatten unflatten squeeze squeeze_
    unsqueeze unsqueeze_ permute transpose transpose_ t numpy_T swapaxes swapdims movedim moveaxis
    contiguous is_contiguous expand expand_as broadcast_to broadcast_tensors repeat repeat_interleave
    tile cat concat concatenate stack hstack vstack dstack column_stack split split_with_sizes chunk
    tensor_split unsafe_split unsafe_chunk unsafe_split_with_sizes unbind select slice narrow index
    index_select index_put index_put_ index_add index_add_ index_fill index_fill_ index_copy index_copy_
    gather scatter scatter_ scatter_add scatter_add_ take take_along_dim roll flip fliplr flipud rot90
    tril tril_ triu triu_ diag diagonal diag_embed diagflat trace meshgrid combinations cartesian_prod
    block_diag atleast_1d atleast_2d atleast_3d select_scatter slice_scatter diagonal_scatter embedding
    one_hot ravel unfold_copy movedim sum_to_size _shape_as_tensor _reshape_from_tensor sym_size
    sym_numel sym_stride
"""
_CREATION = """
    zeros zeros_like ones ones_like full full_like new_zeros new_ones new_full arange linspace logspace
    eye tensor as_tensor scalar_tensor lift_fresh lift_fresh_copy clone detach detach_ alias copy_ fill_
    zero_ to type_as _to_copy _cast_Float _cast_Double _cast_Int _cast_Long _cast_Half _cast_Byte
    _cast_Char _cast_Short float double half bfloat16 int long bool byte cpu rand rand_like randn
    randn_like randint randperm bernoulli bernoulli_ normal_ uniform_ fill tril_indices triu_indices
    hann_window hamming_window is_floating_point is_complex is_signed is_nonzero item
    _local_scalar_dense result_type promote_types can_cast requires_grad_ is_grad_enabled
    set_grad_enabled is_autocast_enabled is_autocast_cpu_enabled is_scripting data device get_device
    element_size is_leaf
"""
_LISTS = """
    __getitem__ _set_item __derive_index __range_length append extend insert pop clear remove reverse
    index count copy list dict keys values items get setdefault update popitem Delete sorted hash Bool
    Int Float Complex IntImplicit FloatImplicit ScalarImplicit ComplexImplicit Size str ord chr hex oct
    bin format percentFormat join upper lower strip lstrip rstrip startswith endswith find rfind replace
    splitlines title capitalize isdigit isalpha isalnum warn
"""
_CONTROL = """
    Constant GetAttr SetAttr If Loop ListConstruct ListUnpack TupleConstruct TupleUnpack TupleIndex TupleSlice
    DictConstruct NumToTensor ImplicitTensorToNum RaiseException Uninitialized unchecked_cast
    unchecked_unwrap_optional isinstance device dtype layout shape is_cuda is_cpu is_quantized is_sparse
    is_mkldnn is_meta is_nested requires_grad data abs min max rangelist tolist ModuleContainerIndex
    StringIndex type name itemsize nbytes ndim
"""
_FAMILIES = (
    _CONVOLUTION, _NORMALISATION, _ACTIVATION, _POOLING, _RESAMPLING, _ARITHMETIC, _COMPARISON, _SHAPE,
    _CREATION, _LISTS,
)  # fmt: skip

ATEN = frozenset(name for family in _FAMILIES for name in family.split())
"""Names of operators in torch's namespace ``aten``; an underscore at the end changes the tensor in place."""
PRIM = frozenset(_CONTROL.split())
"""Names of operators in the namespace ``prim``: constants, attributes, control flow, lists and tuples."""
