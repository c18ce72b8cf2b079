// Somebody else's program, in C++17: the same two events, found through the CMake package.
#include <eddy/eddy.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace
{

struct Free {
    void operator()(eddy_arena *arena) const
    {
        eddy_arena_free(arena);
    }
    void operator()(eddy_clusterer *cl) const
    {
        eddy_clusterer_free(cl);
    }
};

void check(eddy_status status, const eddy_error &err)
{
    if (status != EDDY_OK)
        throw std::runtime_error(err.text);
}

eddy_str str(const std::string &s)
{
    return {s.data(), s.size()};
}

} // namespace

int main()
{
    const std::vector<std::string> lines = {
        "Fire destroys warehouse at Gannet Quay harbour",
        "Central bank lowers interest rates by half a point",
        "Harbour fire: crews fight blaze in Gannet Quay warehouse",
        "Interest rates cut: central bank lowers rates to two percent",
        "Warehouse blaze at Gannet Quay harbour still burning",
        "Markets rise as central bank lowers interest rates",
        "Gannet Quay harbour warehouse fire under control",
        "Central bank explains why interest rates are lowered",
        "Smoke from warehouse fire at Gannet Quay harbour drifts over town",
        "Savers angry as central bank lowers interest rates",
    };
    try {
        eddy_error err{};
        const std::unique_ptr<eddy_arena, Free> arena(eddy_arena_new(1 << 20));
        eddy_engine_options options;
        eddy_engine_options_init(&options);
        options.dense_dim = 0;
        options.threshold = 0.2;
        eddy_clusterer *made = nullptr;
        check(eddy_clusterer_new(&options, &made, &err), err);
        const std::unique_ptr<eddy_clusterer, Free> cl(made);

        int64_t now_ms = 1700000000000;
        for (const auto &line : lines) { // one at a time: batches make no difference
            eddy_row row{};
            eddy_assignment answer;
            check(eddy_terms_read({}, str(line), arena.get(), &row.terms, &row.n_terms, &err), err);
            row.id = row.title = str(line);
            row.time_ms = now_ms += 60000;
            check(eddy_clusterer_assign(cl.get(), &row, 1, &answer, &err), err);
        }
        check(eddy_clusterer_flush(cl.get(), &err), err);

        const uint64_t *ids = nullptr;
        size_t n = 0;
        check(eddy_clusterer_events(cl.get(), arena.get(), &ids, &n, &err), err);
        for (size_t i = 0; i < n; i++) {
            eddy_event event;
            check(eddy_clusterer_event(cl.get(), ids[i], arena.get(), &event, &err), err);
            std::printf("%.0f documents: %s\n", event.size,
                        std::string(event.name.at, event.name.n).c_str());
        }
    } catch (const std::exception &e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
    return 0;
}
