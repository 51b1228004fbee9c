// The Python module sheer.engines.native._native: a Plan, filled call by call, and its run.
//
// Only sizes and places come from Python; sheer.engines.native.lower is what makes sure that they
// fit each other.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>

#include "cpu.h"
#include "plan.h"
#include "threads.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace sheer {

namespace {

using At = std::pair<int, int64_t>;  // (buffer, offset in bytes)

Place place_of(const At& at) { return {at.first, at.second}; }

// A Variable of Python's whose memory is an external buffer of the plan.
struct Bound {
    int buffer;
    nb::object variable;
    bool written;
};

// The memory of a NumPy array that lies in one piece, held for as long as this object lives.
class Memory {
  public:
    Memory() = default;
    ~Memory() { PyBuffer_Release(&view_); }
    Memory(Memory&& other) noexcept : view_(other.view_) { other.view_ = Py_buffer{}; }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

    // False, with a Python error set, where the array is not in one piece.
    bool take(nb::handle array) {
        return PyObject_GetBuffer(array.ptr(), &view_, PyBUF_C_CONTIGUOUS) == 0;
    }
    const char* data() const { return static_cast<const char*>(view_.buf); }

  private:
    Py_buffer view_{};
};

// The memory of a Variable's present value. Where others hold that value too, or where it does not lie
// in one piece, the Variable first gets a copy: values that were handed out never change.
Memory memory_of(const Bound& bound) {
    Memory memory;
    {
        nb::object tensor = bound.variable.attr("_tensor");
        nb::object array = tensor.attr("_array");
        // One reference is the Variable's or the Tensor's, one is ours.
        bool is_held = Py_REFCNT(tensor.ptr()) > 2 || Py_REFCNT(array.ptr()) > 2;
        if (!(bound.written && is_held)) {
            if (memory.take(array)) return memory;
            PyErr_Clear();
        }
    }
    bound.variable.attr("unshare")();
    if (!memory.take(bound.variable.attr("_tensor").attr("_array"))) throw nb::python_error();
    return memory;
}

DType dtype_of(int number) { return static_cast<DType>(number); }

class PlanOfPython {
  public:
    PlanOfPython(int64_t arena_bytes, int externals, const std::string& isa)
        : plan_(arena_bytes, externals), kernels_(isa.empty() ? &kernels() : kernels_named(isa.c_str())) {
        if (kernels_ == nullptr)
            throw nb::value_error(("this processor has no kernels for " + isa).c_str());
    }

    void product(int dtype, bool a_transposed, bool b_transposed, bool accumulate, int activation,
                 const std::array<int64_t, 6>& sizes, const std::array<int64_t, 4>& batch, At a, At b,
                 std::optional<At> bias, At c) {
        Product p{};
        p.dtype = dtype_of(dtype);
        p.a_transposed = a_transposed;
        p.b_transposed = b_transposed;
        p.accumulate = accumulate;
        p.activation = static_cast<Activation>(activation);
        if (bias) p.bias = "";  // there is one: its place comes below
        std::tie(p.m, p.n, p.k, p.lda, p.ldb, p.ldc) = std::tuple_cat(sizes);
        std::tie(p.batch, p.a_stride, p.b_stride, p.c_stride) = std::tuple_cat(batch);
        // 60 operations in a nanosecond, or 25 bytes of b.
        double elements = static_cast<double>(p.n * p.k) * static_cast<double>(p.batch);
        double bytes = elements * static_cast<double>(size_of(p.dtype));
        double cost = std::max(2.0 * static_cast<double>(p.m) * elements / 60, bytes / 25);
        auto& entered = plan_.add<Product>(kernels_->product, p, kernels_->product_units(p), 1, cost);
        plan_.place(entered.a, place_of(a));
        plan_.place(entered.b, place_of(b));
        if (bias) plan_.place(entered.bias, place_of(*bias));
        plan_.place(entered.c, place_of(c));
    }

    void reduce(int reduction, int dtype, int64_t outer, int64_t count, int64_t inner, At x, At y) {
        Reduce r{static_cast<Reduction>(reduction), dtype_of(dtype), outer, count, inner, nullptr, nullptr};
        double cost = 0.15 * static_cast<double>(outer * count * inner);
        auto& entered = plan_.add<Reduce>(kernels_->reduce, r, outer * inner, inner > 1 ? 64 : 1, cost);
        plan_.place(entered.x, place_of(x));
        plan_.place(entered.y, place_of(y));
    }

    void softmax(int dtype, bool logarithm, int64_t rows, int64_t columns, At x, At y) {
        Softmax s{dtype_of(dtype), logarithm, rows, columns, nullptr, nullptr};
        auto& entered = plan_.add<Softmax>(kernels_->softmax, s, rows, 8, static_cast<double>(rows * columns));
        plan_.place(entered.x, place_of(x));
        plan_.place(entered.y, place_of(y));
    }

    void take(int from, int to, int index_dtype, const std::array<int64_t, 4>& sizes, At x, At index, At y) {
        auto [outer, size, count, inner] = sizes;
        Take t{dtype_of(from), dtype_of(to), dtype_of(index_dtype), outer, size, count, inner,
               nullptr, nullptr, nullptr, plan_.fault()};
        double cost = 0.4 * static_cast<double>(outer * count * inner);
        auto& entered = plan_.add<Take>(kernels_->take, t, outer * count, inner < 16 ? 64 : 1, cost);
        plan_.place(entered.x, place_of(x));
        plan_.place(entered.index, place_of(index));
        plan_.place(entered.y, place_of(y));
    }

    void scatter_add(int dtype, int index_dtype, const std::array<int64_t, 4>& sizes, At x, At index, At y) {
        auto [outer, size, count, inner] = sizes;
        ScatterAdd s{dtype_of(dtype), dtype_of(index_dtype), outer, size, count, inner,
                     nullptr, nullptr, nullptr, plan_.fault()};
        double cost = 0.3 * static_cast<double>(outer * (size + count) * inner);
        bool by_outer = outer > 1;
        auto& entered =
            plan_.add<ScatterAdd>(kernels_->scatter_add, s, by_outer ? outer : inner, by_outer ? 1 : 64, cost);
        plan_.place(entered.x, place_of(x));
        plan_.place(entered.index, place_of(index));
        plan_.place(entered.y, place_of(y));
    }

    void take_along(int dtype, int index_dtype, bool add, const std::array<int64_t, 4>& sizes, At x,
                    At index, At y) {
        auto [outer, size, count, inner] = sizes;
        TakeAlong t{dtype_of(dtype), dtype_of(index_dtype), add, outer, size, count, inner,
                    nullptr, nullptr, nullptr, plan_.fault()};
        double cost = static_cast<double>(outer * (count + (add ? size : 0)) * inner);
        auto& entered = plan_.add<TakeAlong>(kernels_->take_along, t, outer, 64, cost);
        plan_.place(entered.x, place_of(x));
        plan_.place(entered.index, place_of(index));
        plan_.place(entered.y, place_of(y));
    }

    void copy(int64_t bytes, const std::vector<int64_t>& shape, const std::vector<int64_t>& from_strides,
              const std::vector<int64_t>& to_strides, At from, At to) {
        Copy c{};
        c.bytes = bytes;
        c.axes = static_cast<int>(shape.size());
        double cost = 0.3;
        for (size_t i = 0; i < shape.size(); ++i) {
            c.shape[i] = shape[i];
            c.from_strides[i] = from_strides[i];
            c.to_strides[i] = to_strides[i];
            cost *= static_cast<double>(shape[i]);
        }
        auto& entered = plan_.add<Copy>(kernels_->copy, c, shape.empty() ? 1 : shape[0], 1, cost);
        plan_.place(entered.from, place_of(from));
        plan_.place(entered.to, place_of(to));
    }

    void random(int draw, int64_t count, At key, At y) {
        Random r{static_cast<Draw>(draw), count, nullptr, nullptr};
        auto& entered = plan_.add<Random>(kernels_->random, r, random_units(r), 1024, 2.0 * static_cast<double>(count));
        plan_.place(entered.key, place_of(key));
        plan_.place(entered.y, place_of(y));
    }

    void order(int64_t count, At words, At result, At other) {
        auto& entered = plan_.add<Order>(kernels_->order, Order{count, nullptr, nullptr, nullptr}, 1, 1, 0);
        plan_.place(entered.words, place_of(words));
        plan_.place(entered.order, place_of(result));
        plan_.place(entered.other, place_of(other));
    }

    void convert(int from, int to, int64_t count, At x, At y) {
        Convert c{dtype_of(from), dtype_of(to), count, nullptr, nullptr};
        auto& entered = plan_.add<Convert>(kernels_->convert, c, count, 256, 0.3 * static_cast<double>(count));
        plan_.place(entered.x, place_of(x));
        plan_.place(entered.y, place_of(y));
    }

    void function(nb::object function) {
        plan_.add<Function>(run_function, Function{[function] {
                                nb::gil_scoped_acquire locked;
                                function();
                            }}, 1, 1, 0);
    }

    // See sheer.engines.native.groups for the form of the lines.
    void group(int64_t size, const nb::list& lines, const nb::list& numbers) {
        Group made;
        for (nb::handle number : numbers) {
            nb::tuple entry = nb::cast<nb::tuple>(number);
            made.numbers.push_back(bits_of(static_cast<Lane>(nb::cast<int>(entry[0])), entry[1]));
        }
        made.lines.resize(nb::len(lines));
        double cost = 0.15 * static_cast<double>(size) * static_cast<double>(nb::len(lines));
        Group& entered = plan_.add<Group>(run_group, made, size, 256, cost);
        for (size_t i = 0; i < entered.lines.size(); ++i)
            fill(entered, entered.lines[i], nb::cast<nb::tuple>(lines[i]));
    }

    void variables(const nb::list& given) {
        bound_.clear();
        for (nb::handle entry : given) {
            nb::tuple t = nb::cast<nb::tuple>(entry);
            bound_.push_back({nb::cast<int>(t[0]), nb::borrow(t[1]), nb::cast<bool>(t[2])});
        }
    }

    // bindings: (buffer, array, offset in bytes, bytes to move on after each step).
    void run(const nb::list& bindings, int64_t steps, double seconds) {
        std::unique_lock<std::mutex> running(plan_.running(), std::try_to_lock);
        if (!running.owns_lock()) {
            nb::gil_scoped_release unlocked;
            running.lock();
        }
        std::vector<Memory> held;
        held.reserve(bound_.size() + nb::len(bindings));
        for (const Bound& bound : bound_) {
            held.push_back(memory_of(bound));
            plan_.bind(bound.buffer, held.back().data(), 0);
        }
        for (nb::handle entry : bindings) {
            nb::tuple t = nb::cast<nb::tuple>(entry);
            held.emplace_back();
            if (!held.back().take(t[1])) throw nb::python_error();
            plan_.bind(nb::cast<int>(t[0]), held.back().data() + nb::cast<int64_t>(t[2]), nb::cast<int64_t>(t[3]));
        }
        {
            nb::gil_scoped_release unlocked;
            plan_.run(steps, seconds);
        }
        const Fault& fault = *plan_.fault();
        if (fault.met) {
            std::string text = "index " + std::to_string(fault.index) + " is out of bounds for size " +
                               std::to_string(fault.size);
            throw nb::index_error(text.c_str());
        }
    }

    // How many steps the last run completed, also where it failed then.
    int64_t done() const { return plan_.done(); }

    // A view of the plan's own memory, for functions that it calls.
    nb::object memory(int64_t offset, int64_t bytes) {
        struct Owner {
            std::shared_ptr<Arena> arena;
        };
        auto* owner = new Owner{plan_.arena()};
        nb::capsule capsule(owner, [](void* p) noexcept { delete static_cast<Owner*>(p); });
        size_t shape[1] = {static_cast<size_t>(bytes)};
        return nb::cast(nb::ndarray<nb::numpy, uint8_t>(owner->arena->data() + offset, 1, shape, capsule));
    }

  private:
    static int64_t bits_of(Lane lane, nb::handle value) {
        int64_t bits = 0;
        if (lane == Lane::f32) {
            auto number = static_cast<float>(nb::cast<double>(value));
            memcpy(&bits, &number, sizeof number);
        } else if (lane == Lane::f64) {
            auto number = nb::cast<double>(value);
            memcpy(&bits, &number, sizeof number);
        } else {
            bits = nb::cast<int64_t>(value);
        }
        return bits;
    }

    // An operand: None, ("register", number), ("number", its place in numbers), or ("memory", buffer,
    // offset, bytes from one element to the next).
    void fill(Group& group, Operand& operand, nb::handle given) {
        if (given.is_none()) return;
        nb::tuple t = nb::cast<nb::tuple>(given);
        auto kind = nb::cast<std::string>(t[0]);
        if (kind == "register") {
            operand.in_register = nb::cast<int64_t>(t[1]);
            if (operand.in_register >= GROUP_REGISTERS) throw nb::value_error("a group needs too many registers");
        } else if (kind == "number") {
            operand.base = reinterpret_cast<const char*>(&group.numbers.at(nb::cast<size_t>(t[1])));
        } else {
            operand.step = nb::cast<int64_t>(t[3]);
            plan_.place(operand.base, {nb::cast<int>(t[1]), nb::cast<int64_t>(t[2])});
        }
    }

    // A line: (word, first, second, once, d, a, b, c).
    void fill(Group& group, Line& line, const nb::tuple& given) {
        auto word = nb::cast<std::string>(given[0]);
        line.once = nb::cast<bool>(given[3]);
        if (word == "spread") {
            auto shape = nb::cast<std::vector<int64_t>>(given[1]);
            auto strides = nb::cast<std::vector<int64_t>>(given[2]);
            line.spread.axes = static_cast<int>(shape.size());
            std::copy(shape.begin(), shape.end(), line.spread.shape);
            std::copy(strides.begin(), strides.end(), line.spread.strides);
            line.spread.bytes = nb::cast<int64_t>(given[7]);
        } else {
            if (word == "compute" || word == "pair") {
                line.compute = computing(word, given);
            } else {
                auto first = nb::cast<size_t>(given[1]), second = nb::cast<size_t>(given[2]);
                line.compute = word == "load" ? kernels_->load[first][second] : kernels_->store[first][second];
            }
            if (line.compute == nullptr) throw nb::value_error("there is no such kernel");
        }
        fill(group, line.d, given[4]);
        fill(group, line.a, given[5]);
        if (word == "compute" || word == "pair") {
            fill(group, line.b, given[6]);
            fill(group, line.c, given[7]);
        }
    }

    // The kernel of a line "compute" or "pair", for operands of its forms.
    Compute computing(const std::string& word, const nb::tuple& given) {
        size_t lane = nb::cast<size_t>(given[2]);
        int which = 0;
        for (int i = 0; i < 3; ++i)
            if (is_number(given[5 + i])) which |= 1 << i;
        if (word == "compute") return kernels_->compute[nb::cast<size_t>(given[1])][lane].of[which];
        auto [first, second, swapped] = nb::cast<std::array<size_t, 3>>(given[1]);
        return kernels_->pair[first][second][swapped][lane].of[which];
    }

    // Whether an operand is one number for the whole group.
    static bool is_number(nb::handle operand) {
        if (operand.is_none()) return false;
        nb::tuple t = nb::cast<nb::tuple>(operand);
        auto kind = nb::cast<std::string>(t[0]);
        if (kind == "register") return nb::len(t) > 2;  // ("register", number, "once")
        return kind == "number" || nb::cast<int64_t>(t[3]) == 0;
    }

    Plan plan_;
    const Kernels* kernels_;
    std::vector<Bound> bound_;
};

}  // namespace
}  // namespace sheer

NB_MODULE(_native, m) {
    using sheer::PlanOfPython;
    m.doc() = "The native engine of sheer: plans of kernel calls.";
    // What is still alive when Python ends (a model in a cache, a class that refers to its module) is no
    // concern of the user's.
    nb::set_leak_warnings(false);
    m.def("isa", [] { return std::string(sheer::kernels().name); }, "The instruction set in use.");
    m.def("isas", [] {
        std::vector<std::string> names;
        for (const char* name : {"baseline", "avx2", "avx512"})
            if (sheer::kernels_named(name) != nullptr) names.emplace_back(name);
        return names;
    }, "The instruction sets that this processor has kernels for.");
    m.def("threads", &sheer::threads, "How many threads run.");
    m.def("set_threads", &sheer::set_threads, "count"_a);
    m.def("available_threads", &sheer::available_threads, "The cores that the process may use.");
    nb::class_<PlanOfPython>(m, "Plan")
        .def(nb::init<int64_t, int, const std::string&>(), "arena_bytes"_a, "externals"_a, "isa"_a = "")
        .def("product", &PlanOfPython::product, "dtype"_a, "a_transposed"_a, "b_transposed"_a,
             "accumulate"_a, "activation"_a, "sizes"_a, "batch"_a, "a"_a, "b"_a, "bias"_a.none(), "c"_a)
        .def("reduce", &PlanOfPython::reduce)
        .def("softmax", &PlanOfPython::softmax)
        .def("take", &PlanOfPython::take)
        .def("scatter_add", &PlanOfPython::scatter_add)
        .def("take_along", &PlanOfPython::take_along)
        .def("copy", &PlanOfPython::copy)
        .def("random", &PlanOfPython::random)
        .def("order", &PlanOfPython::order)
        .def("convert", &PlanOfPython::convert)
        .def("function", &PlanOfPython::function)
        .def("group", &PlanOfPython::group)
        .def("variables", &PlanOfPython::variables)
        .def("run", &PlanOfPython::run, "bindings"_a, "steps"_a, "seconds"_a)
        .def("done", &PlanOfPython::done)
        .def("memory", &PlanOfPython::memory);
}
