// Copies between views: slices, transposes, repeats.

#include "kernels.h"
#include "vector.h"

namespace sheer::SHEER_ISA {

namespace {

struct Axis {
    int64_t size, from, to;  // elements, and the strides of both views
};

struct Axes {
    int count = 0;
    Axis axis[MAX_AXES];
};

constexpr int64_t TILE = 16;  // of a transpose: few enough rows for the ways of a cache

SHEER_INLINE int64_t magnitude(int64_t x) { return x < 0 ? -x : x; }

// to[i, j] = from[i, j], where `from` is contiguous along i and `to` along j.
template <class T>
void transpose_tile(const T* from, int64_t from_stride, T* to, int64_t to_stride, int64_t rows,
                    int64_t columns) {
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) to[i * to_stride + j] = from[i + j * from_stride];
}

template <class T>
void transpose(const T* from, int64_t from_stride, T* to, int64_t to_stride, int64_t rows,
               int64_t columns) {
    for (int64_t i = 0; i < rows; i += TILE)
        for (int64_t j = 0; j < columns; j += TILE)
            transpose_tile(from + i + j * from_stride, from_stride, to + i * to_stride + j,
                           to_stride, rows - i < TILE ? rows - i : TILE,
                           columns - j < TILE ? columns - j : TILE);
}

template <class T> void fill(T* to, int64_t count, T value) {
    for (int64_t i = 0; i < count; i++) to[i] = value;
}

template <class T> void copy_run(const Axis& axis, const T* from, T* to) {
    if (axis.from == 1 && axis.to == 1)
        memcpy(to, from, static_cast<size_t>(axis.size) * sizeof(T));
    else if (axis.from == 0 && axis.to == 1)
        fill(to, axis.size, *from);
    else
        for (int64_t i = 0; i < axis.size; i++) to[i * axis.to] = from[i * axis.from];
}

template <class T> void copy_axes(const Axis* axes, int count, const T* from, T* to) {
    if (count == 0)
        *to = *from;
    else if (count == 1)
        copy_run(axes[0], from, to);
    else if (count == 2 && axes[0].from == 1 && axes[1].from != 0 && axes[1].to == 1)
        transpose(from, axes[1].from, to, axes[0].to, axes[0].size, axes[1].size);
    else
        for (int64_t i = 0; i < axes[0].size; i++)
            copy_axes(axes + 1, count - 1, from + i * axes[0].from, to + i * axes[0].to);
}

// The axes in the order in which `to` lies in memory, those that go on into each other as one.
// Before the last one comes the axis along which `from` is contiguous.
Axes simplify(const Copy& c, int64_t first_size) {
    Axes axes;
    for (int i = 0; i < c.axes; i++) {
        const Axis axis = {i == 0 ? first_size : c.shape[i], c.from_strides[i], c.to_strides[i]};
        if (axis.size == 1) continue;
        int at = axes.count++;
        for (; at > 0 && magnitude(axes.axis[at - 1].to) < magnitude(axis.to); at--)
            axes.axis[at] = axes.axis[at - 1];
        axes.axis[at] = axis;
    }
    int count = 0;
    for (int i = 0; i < axes.count; i++) {
        const Axis axis = axes.axis[i];
        Axis* outer = count > 0 ? &axes.axis[count - 1] : nullptr;
        if (outer && outer->from == axis.from * axis.size && outer->to == axis.to * axis.size)
            *outer = {outer->size * axis.size, axis.from, axis.to};
        else
            axes.axis[count++] = axis;
    }
    axes.count = count;
    for (int i = 0; i + 2 < count; i++)
        if (axes.axis[i].from == 1) {
            const Axis axis = axes.axis[i];
            for (; i + 2 < count; i++) axes.axis[i] = axes.axis[i + 1];
            axes.axis[i] = axis;
        }
    return axes;
}

template <class T> void copy_of(const Copy& c, int64_t begin, int64_t end) {
    const Axes axes = simplify(c, end - begin);
    const int64_t skip_from = c.axes ? begin * c.from_strides[0] : 0;
    const int64_t skip_to = c.axes ? begin * c.to_strides[0] : 0;
    copy_axes(axes.axis, axes.count, reinterpret_cast<const T*>(c.from) + skip_from,
              reinterpret_cast<T*>(c.to) + skip_to);
}

void copy(const Copy& c, int64_t begin, int64_t end, char*) {
    if (begin == end) return;
    switch (c.bytes) {
        case 1: return copy_of<uint8_t>(c, begin, end);
        case 2: return copy_of<uint16_t>(c, begin, end);
        case 4: return copy_of<uint32_t>(c, begin, end);
        default: return copy_of<uint64_t>(c, begin, end);
    }
}

}  // namespace

void enter_copy(Kernels& kernels) { kernels.copy = copy; }

}  // namespace sheer::SHEER_ISA
