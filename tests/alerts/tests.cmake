# Alerts from documents to those who are woken: tests/alerts/check SCENE.
eddy_scenes(alerts alerts/check files killed hooks alertmanager trusted)
if(Python3_FOUND)
  set_tests_properties(alerts.killed alerts.hooks alerts.alertmanager alerts.trusted PROPERTIES LABELS "kafka;threads"
    FIXTURES_REQUIRED kafka)
endif()
