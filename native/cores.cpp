// How many cores this process may use.

#include <algorithm>
#include <cmath>
#include <thread>

#include "threads.h"

#if defined(__linux__)
#include <sched.h>

#include <fstream>
#include <limits>
#include <set>
#include <sstream>
#include <string>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(_WIN32)
#define NOMINMAX
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#endif

namespace sheer {
namespace {

#if defined(__linux__)

// The cores that the affinity mask allows. The hardware threads of one core share its arithmetic,
// and count as one.
int allowed_cores() {
    cpu_set_t masks[8];  // 8 x 1024, the most that Linux has
    CPU_ZERO_S(sizeof masks, masks);
    if (sched_getaffinity(0, sizeof masks, masks) != 0) return 0;
    std::set<std::string> cores;
    for (size_t cpu = 0; cpu < 8 * sizeof masks; cpu++) {
        if (!CPU_ISSET_S(cpu, sizeof masks, masks)) continue;
        const std::string name = std::to_string(cpu);
        std::string siblings;
        std::ifstream("/sys/devices/system/cpu/cpu" + name + "/topology/thread_siblings_list") >>
            siblings;
        cores.insert(siblings.empty() ? name : siblings);
    }
    return static_cast<int>(cores.size());
}

bool contains(const std::string& list, const std::string& word) {
    return ("," + list + ",").find("," + word + ",") != std::string::npos;
}

// The time per period that one control group may use, over the period: version 2 has both in one
// file, version 1 in two.
double quota_of(const std::string& folder) {
    double used = 0, period = 0;
    std::ifstream(folder + "/cpu.max") >> used >> period;  // reads nothing of "max 100000"
    std::ifstream(folder + "/cpu.cfs_quota_us") >> used;
    std::ifstream(folder + "/cpu.cfs_period_us") >> period;
    return used > 0 && period > 0 ? used / period : std::numeric_limits<double>::infinity();
}

// The control group of this process for processor time: `controller` is "cpu" in version 1, ""
// in 2.
std::string group_of(const std::string& root, const std::string& controller) {
    std::ifstream groups(root + "/proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {  // number:controllers:path
        const size_t first = line.find(':'), second = line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        if (controller.empty() ? controllers.empty() : contains(controllers, controller))
            return line.substr(second + 1);
    }
    return "";
}

// The smallest quota of this process's control groups and of those around them, as far as they can
// be seen from here: a container may see its own as the outermost.
double smallest_quota(const std::string& root) {
    double smallest = std::numeric_limits<double>::infinity();
    std::ifstream mounts(root + "/proc/self/mountinfo");
    for (std::string line; std::getline(mounts, line);) {
        const size_t dash = line.find(" - ");
        if (dash == std::string::npos) continue;
        std::string skip, base, mounted, type, device, options;
        std::istringstream(line) >> skip >> skip >> skip >> base >> mounted;
        std::istringstream(line.substr(dash + 3)) >> type >> device >> options;
        if (type != "cgroup2" && !(type == "cgroup" && contains(options, "cpu"))) continue;

        std::string group = group_of(root, type == "cgroup2" ? "" : "cpu");
        if (base != "/" && group.rfind(base, 0) == 0) group.erase(0, base.size());
        while (true) {
            smallest = std::min(smallest, quota_of(root + mounted + group));
            if (group.empty()) break;
            group.erase(group.rfind('/') == std::string::npos ? 0 : group.rfind('/'));
        }
    }
    return smallest;
}

#elif defined(__APPLE__)

// The fast cores: a part of the work on a slow one would keep all others waiting.
int allowed_cores() {
    int count = 0;
    size_t size = sizeof count;
    if (sysctlbyname("hw.perflevel0.physicalcpu", &count, &size, nullptr, 0) == 0) return count;
    if (sysctlbyname("hw.physicalcpu", &count, &size, nullptr, 0) == 0) return count;
    return 0;
}

#elif defined(_WIN32)

int allowed_cores() {
    DWORD_PTR mask = 0, system = 0;
    if (!GetProcessAffinityMask(GetCurrentProcess(), &mask, &system)) return 0;
    int count = 0;
    for (; mask != 0; mask &= mask - 1) count++;
    return count;
}

#else

int allowed_cores() { return 0; }

#endif

}  // namespace

int available_threads() {
    int count = allowed_cores();
    if (count < 1) count = static_cast<int>(std::thread::hardware_concurrency());
#if defined(__linux__)
    count = static_cast<int>(std::min<double>(count, std::ceil(smallest_quota(""))));
#endif
    return std::max(count, 1);
}

}  // namespace sheer
