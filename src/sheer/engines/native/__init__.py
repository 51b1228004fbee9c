"""The native engine: a graph as a plan of kernel calls, run by C++ without Python.

- `nodes`, `arrays`: the body of an op, run on `Array`s, writes down the steps that it is made of;
- `lower`: a graph as such steps; what has no kernel stays a call of NumPy;
- `schedule`: steps into kernels, with folding, grouping, order, and where results go;
- `memory`: buffers that are used again; `groups`: elementwise groups as lines for the interpreter;
- `plan`: all of it entered into the compiled module, and its run.
"""
