// Residents: the handles and windows through which one environment refers to Regions; so that it can let go of them
// when it ends, and find those whose JavaScript objects are gone before their finalizers have run.
//
// Finalizers run in a turn of the event loop. A loop that maps and drops without one would run into the kernel's limit
// on maps, and V8 aborts there. So each resident has a weak reference to its object: once that is empty nobody can
// look at the memory through it.
//
// Finalizers may run on any thread (Deno), so they unlink under the lock before anything else, and leave the weak
// reference to be deleted on the environment's own thread. Everything but unlinking happens on that thread.
#ifndef ZEROCOPY_REGION_RESIDENTS_BINDING_H_
#define ZEROCOPY_REGION_RESIDENTS_BINDING_H_

#include <node_api.h>

#include <memory>
#include <mutex>
#include <vector>

#include "region/region.h"

namespace zerocopy::region {

class Residents;

// A handle or a window: an object of JavaScript's, and the Region that lives for it.
class Resident {
 public:
  explicit Resident(std::shared_ptr<Region> region) : region_(std::move(region)) {}
  Resident(const Resident&) = delete;
  Resident& operator=(const Resident&) = delete;
  virtual ~Resident();

  // Nullptr once it has let go.
  const std::shared_ptr<Region>& region() const { return region_; }
  virtual bool is_window() const { return false; }
  virtual bool exposed() const { return false; }
  // Drops the reference to the Region, and the hold if there is one; once.
  virtual void LetGo() { region_.reset(); }

 protected:
  // From here on the environment knows nothing of it; idempotent. A class that has more to end does this first.
  void Unlink();

  std::shared_ptr<Region> region_;

 private:
  friend class Residents;
  Residents* residents_ = nullptr;
  Resident* previous_ = nullptr;
  Resident* next_ = nullptr;
  napi_ref object_ = nullptr;
};

class Residents {
 public:
  explicit Residents(napi_env env) : env_(env) {}
  // The environment ends: exposed windows' memory is retired, handles let go, and those that come later find no list.
  ~Residents();

  // `object` is watched weakly.
  void Add(Resident* resident, napi_value object);
  // Frees the memory of everything whose objects are all gone. Exposed memory is parked: transfer() may have moved it.
  void Reclaim();
  // The handle objects that are still alive.
  std::vector<napi_value> LiveHandles();
  // The buffers of a Region that were handed out and are still alive.
  std::vector<napi_value> ExposedWindows(const Region* region);
  // On the environment's thread: deletes the weak references that finalizers left.
  void DeleteLeftReferences();

 private:
  friend class Resident;
  void Remove(Resident* resident);
  bool IsAlive(const Resident& resident) const;
  template <typename Wanted>
  std::vector<napi_value> LiveObjects(Wanted wanted) const;

  const napi_env env_;
  Resident* first_ = nullptr;
  std::vector<napi_ref> left_;
};

}  // namespace zerocopy::region

#endif  // ZEROCOPY_REGION_RESIDENTS_BINDING_H_
