/** The guide's event mappings: what an event is called on the next bus. */
import {
  DATA_TO_CROSS_PROCESS_MAP, // Data → CrossProcess
  getCrossProcessEventType, // Helper function
  getDataEventType,
  STAGE_TO_CROSS_PROCESS_MAP, // Stage → CrossProcess (direct)
  STAGE_TO_DATA_EVENT_MAP, // Stage → Data event
} from "@ringrift/mappings";

// Convert stage event to data event
const dataType = getDataEventType("training_complete"); // → "training_completed"

// Convert data event to cross-process
const cpType = getCrossProcessEventType("training_completed"); // → "TRAINING_COMPLETED"

console.log("training_complete →", dataType);
console.log("training_completed →", cpType);

// The guide's table of mapping categories
console.log("selfplay_complete →", STAGE_TO_DATA_EVENT_MAP.selfplay_complete);
console.log("training_completed →", DATA_TO_CROSS_PROCESS_MAP.training_completed);
console.log("evaluation_complete →", STAGE_TO_CROSS_PROCESS_MAP.evaluation_complete);
